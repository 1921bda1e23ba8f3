//! Writing the font into the file (ISO 32000-2, 9.7 to 9.10).

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Filter, Finish, Name, Rect, Ref, Str};

use crate::glyphs::Program;
use crate::pdf::Pdf;

const IDENTITY: SystemInfo<'static> = SystemInfo {
    registry: Str(b"Adobe"),
    ordering: Str(b"Identity"),
    supplement: 0,
};
/// Stem width: readers use it only to find a substitute, which an embedded font never needs.
const STEM_V: f32 = 80.0;

/// Writes font, descriptor, program and Unicode map; gives the number of the font.
pub(crate) fn embed<W: Write>(pdf: &mut Pdf<W>, program: &Program) -> std::io::Result<Ref> {
    let [font, cid_font, descriptor, file, unicode] = std::array::from_fn(|_| pdf.number());
    let name = Name(program.name.as_bytes());
    pdf.object(font, |chunk| {
        let mut font = chunk.type0_font(font);
        font.base_font(name)
            .encoding_predefined(Name(b"Identity-H"));
        font.descendant_font(cid_font).to_unicode(unicode);
    })?;
    pdf.object(cid_font, |chunk| {
        let mut font = chunk.cid_font(cid_font);
        let kind = if program.is_cff {
            CidFontType::Type0
        } else {
            CidFontType::Type2
        };
        font.subtype(kind)
            .base_font(name)
            .system_info(IDENTITY)
            .font_descriptor(descriptor);
        font.default_width(1000.0);
        if !program.is_cff {
            font.cid_to_gid_map_predefined(Name(b"Identity"));
        }
        font.widths()
            .consecutive(0, program.advances.iter().copied());
    })?;
    write_descriptor(pdf, program, descriptor, file)?;
    write_file(pdf, program, file)?;
    let mut map = UnicodeCmap::new(Name(b"Labels-UCS"), IDENTITY);
    for (glyph, character) in &program.characters {
        map.pair(*glyph, *character);
    }
    let map = deflated(map.finish().as_slice())?;
    pdf.object(unicode, |chunk| {
        chunk.stream(unicode, &map).filter(Filter::FlateDecode);
    })?;
    Ok(font)
}

fn write_descriptor<W: Write>(
    pdf: &mut Pdf<W>,
    program: &Program,
    id: Ref,
    file: Ref,
) -> std::io::Result<()> {
    let [left, bottom, right, top] = program.bounds;
    pdf.object(id, |chunk| {
        let mut descriptor = chunk.font_descriptor(id);
        descriptor
            .name(Name(program.name.as_bytes()))
            .flags(FontFlags::SYMBOLIC);
        descriptor
            .bbox(Rect::new(left, bottom, right, top))
            .italic_angle(0.0)
            .stem_v(STEM_V);
        descriptor
            .ascent(program.ascent)
            .descent(program.descent)
            .cap_height(program.cap_height);
        if program.is_cff {
            descriptor.font_file3(file);
        } else {
            descriptor.font_file2(file);
        }
    })
}

fn write_file<W: Write>(pdf: &mut Pdf<W>, program: &Program, id: Ref) -> std::io::Result<()> {
    let packed = deflated(&program.data)?;
    let length = i32::try_from(program.data.len()).unwrap_or(i32::MAX);
    pdf.object(id, |chunk| {
        let mut stream = chunk.stream(id, &packed);
        stream.filter(Filter::FlateDecode);
        if program.is_cff {
            stream.pair(Name(b"Subtype"), Name(b"CIDFontType0C"));
        } else {
            stream.pair(Name(b"Length1"), length);
        }
        stream.finish();
    })
}

/// Compresses what is written once a file, as well as it goes.
pub(crate) fn deflated(data: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(data)?;
    encoder.finish()
}
