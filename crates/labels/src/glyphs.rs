//! The glyphs of one job: which characters it needs, how wide they are, how they are encoded.

use std::collections::{BTreeMap, BTreeSet};

use subsetter::GlyphRemapper;
use ttf_parser::{Face, RawFace, Tag};

use crate::error::JobError;
use crate::font::Font;

/// A glyph of the subset: its number there and its advance in thousandths of the font size.
#[derive(Debug, Clone, Copy)]
struct Glyph {
    id: u16,
    advance: f32,
}

/// The glyphs that a job may use.
pub(crate) struct Glyphs {
    by_char: BTreeMap<char, Glyph>,
    /// ASCII again, because every label is measured and written with it.
    ascii: [Option<Glyph>; 128],
    /// Height of capital letters in thousandths of the font size.
    pub(crate) cap_height: f32,
}

/// What the PDF needs to embed the subset (ISO 32000-2, 9.7 and 9.9).
pub(crate) struct Program {
    /// The font program: a bare CFF table or a TrueType file.
    pub(crate) data: Vec<u8>,
    /// Whether the program is CFF.
    pub(crate) is_cff: bool,
    /// A PostScript name with a subset tag.
    pub(crate) name: String,
    /// Advances by glyph number, from 0.
    pub(crate) advances: Vec<f32>,
    /// The character of each glyph, for text extraction.
    pub(crate) characters: Vec<(u16, char)>,
    /// Bounding box: left, bottom, right, top, in thousandths.
    pub(crate) bounds: [f32; 4],
    /// Height of capital letters in thousandths.
    pub(crate) cap_height: f32,
    /// Ascent in thousandths.
    pub(crate) ascent: f32,
    /// Descent in thousandths, negative.
    pub(crate) descent: f32,
}

impl Glyphs {
    /// Subsets `font` to the characters given.
    pub(crate) fn subset(
        font: &Font,
        characters: &BTreeSet<char>,
    ) -> Result<(Self, Program), JobError> {
        let face = Face::parse(font.data(), font.index()).map_err(not_subset)?;
        let missing: Vec<char> = characters
            .iter()
            .copied()
            .filter(|c| face.glyph_index(*c).is_none())
            .collect();
        if !missing.is_empty() {
            return Err(JobError::NoGlyphFor {
                characters: missing,
            });
        }
        let scale = 1000.0 / f32::from(face.units_per_em());
        let mut remapper = GlyphRemapper::new();
        let mut by_char = BTreeMap::new();
        let mut advances = vec![0.0];
        let mut reverse = Vec::new();
        for &character in characters {
            let Some(old) = face.glyph_index(character) else {
                continue;
            };
            let id = remapper.remap(old.0);
            let advance =
                (f32::from(face.glyph_hor_advance(old).unwrap_or(0)) * scale * 10.0).round() / 10.0;
            by_char.insert(character, Glyph { id, advance });
            if usize::from(id) == advances.len() {
                advances.push(advance);
                reverse.push((id, character));
            }
        }
        let program = Program {
            advances,
            characters: reverse,
            ..program(font, &face, &remapper)?
        };
        let cap_height = face
            .capital_height()
            .map_or(720.0, |height| f32::from(height) * scale);
        let ascii = std::array::from_fn(|code| by_char.get(&char::from(code as u8)).copied());
        Ok((
            Self {
                by_char,
                ascii,
                cap_height,
            },
            program,
        ))
    }

    fn glyph(&self, c: char) -> Option<Glyph> {
        match self.ascii.get(c as usize) {
            Some(glyph) => *glyph,
            None => self.by_char.get(&c).copied(),
        }
    }

    /// The width of a text in units of its font size.
    pub(crate) fn width(&self, text: &str) -> f32 {
        text.chars()
            .filter_map(|c| self.glyph(c))
            .map(|glyph| glyph.advance)
            .sum::<f32>()
            / 1000.0
    }

    /// Appends the codes of a text: two bytes a glyph, as Identity-H wants them.
    pub(crate) fn encode(&self, text: &str, into: &mut Vec<u8>) {
        for glyph in text.chars().filter_map(|c| self.glyph(c)) {
            into.extend(glyph.id.to_be_bytes());
        }
    }

    /// The widest text that letters and digits could make of `text`, for planning.
    pub(crate) fn widest(&self, text: &str) -> String {
        let widest = |range: std::ops::RangeInclusive<char>| {
            range
                .max_by(|a, b| self.advance(*a).total_cmp(&self.advance(*b)))
                .unwrap_or('W')
        };
        let (upper, lower) = (widest('A'..='Z'), widest('a'..='z'));
        let swap = |c: char| match c {
            'a'..='z' => lower,
            'A'..='Z' | '0'..='9' => upper,
            other => other,
        };
        text.chars().map(swap).collect()
    }

    fn advance(&self, c: char) -> f32 {
        self.glyph(c).map_or(0.0, |glyph| glyph.advance)
    }
}

fn program(font: &Font, face: &Face<'_>, remapper: &GlyphRemapper) -> Result<Program, JobError> {
    let scale = 1000.0 / f32::from(face.units_per_em());
    let file = subsetter::subset(font.data(), font.index(), remapper).map_err(not_subset)?;
    let cff = RawFace::parse(&file, 0)
        .map_err(not_subset)?
        .table(Tag::from_bytes(b"CFF "))
        .map(<[u8]>::to_vec);
    let is_cff = cff.is_some();
    let data = cff.unwrap_or(file);
    let bounds = face.global_bounding_box();
    let thousandths = |value: i16| (f32::from(value) * scale).round();
    Ok(Program {
        name: format!("{}+{}", subset_tag(&data), postscript_name(face)),
        data,
        is_cff,
        advances: Vec::new(),
        cap_height: face.capital_height().map_or(720.0, thousandths),
        characters: Vec::new(),
        bounds: [bounds.x_min, bounds.y_min, bounds.x_max, bounds.y_max].map(thousandths),
        ascent: thousandths(face.ascender()),
        descent: thousandths(face.descender()),
    })
}

fn not_subset(error: impl std::fmt::Display) -> JobError {
    JobError::FontNotSubset {
        reason: error.to_string(),
    }
}

/// Six letters that differ with the subset (ISO 32000-2, 9.9.2); made from its bytes, so that
/// the same job gives the same file.
fn subset_tag(data: &[u8]) -> String {
    let mut hash = data.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mut tag = String::new();
    for _ in 0..6 {
        tag.push(char::from(b'A' + (hash % 26) as u8));
        hash /= 26;
    }
    tag
}

fn postscript_name(face: &Face<'_>) -> String {
    let name = face
        .names()
        .into_iter()
        .filter(|name| name.name_id == ttf_parser::name_id::POST_SCRIPT_NAME)
        .find_map(|name| name.to_string())
        .unwrap_or_default();
    let plain: String = name
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .take(60)
        .collect();
    if plain.is_empty() {
        "LabelFont".to_owned()
    } else {
        plain
    }
}
