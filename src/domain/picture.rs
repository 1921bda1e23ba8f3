//! Pictures of products: what they must be, and how a product's description names one. A picture is small enough to
//! travel with the first view of a page, and is named by its digest, so that the log proves it, too.

use std::io::Cursor;

use auditlog::Hash;
use auditlog::encoding::from_hex;
use image_webp::WebPDecoder;
use thiserror::Error;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::fields::{At, Fault, FaultKind};

/// Bytes of one picture: what a page's first view of 50 KB has room for beside its text and style.
pub const MAX_PICTURE_BYTES: usize = 24 * 1024;
/// Pixels of a side: sharp on a phone's screen.
pub const MIN_SIDE: u32 = 120;
/// Pixels of a side: what a phone need not unpack more of.
pub const MAX_SIDE: u32 = 1_600;
/// What a picture of the largest sides takes unpacked, four bytes a pixel, and as much again to work with.
const MAX_UNPACKED_BYTES: usize = 2 * 4 * (MAX_SIDE as usize) * (MAX_SIDE as usize);

/// How a picture is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaType {
    /// `image/jpeg`
    Jpeg,
    /// `image/png`
    Png,
    /// `image/webp`
    WebP,
}

impl MediaType {
    /// All that are taken.
    pub const ALL: [MediaType; 3] = [MediaType::Jpeg, MediaType::Png, MediaType::WebP];

    /// As it is registered.
    pub fn as_str(self) -> &'static str {
        match self {
            MediaType::Jpeg => "image/jpeg",
            MediaType::Png => "image/png",
            MediaType::WebP => "image/webp",
        }
    }

    /// Reads one, in lower case.
    pub fn parse(text: &str) -> Option<MediaType> {
        MediaType::ALL.into_iter().find(|one| one.as_str() == text)
    }

    /// What bytes begin as.
    fn of(bytes: &[u8]) -> Option<MediaType> {
        match bytes {
            [0xff, 0xd8, 0xff, ..] => Some(MediaType::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(MediaType::Png),
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => Some(MediaType::WebP),
            _ => None,
        }
    }
}

/// What is known of a picture, and what a description says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture {
    /// `sha256`: the digest of its bytes.
    pub sha256: Hash,
    /// `mediaType`
    pub media_type: MediaType,
    /// `width`, in pixels.
    pub width: u32,
    /// `height`, in pixels.
    pub height: u32,
}

/// Why bytes are no picture that is shown.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PictureFault {
    /// Larger than [`MAX_PICTURE_BYTES`].
    #[error(
        "the picture is larger than {MAX_PICTURE_BYTES} bytes: 480 pixels on the longer side are enough for a phone, and a JPEG is mostly smaller"
    )]
    TooLarge,
    /// Nothing at all.
    #[error("the body is empty")]
    Empty,
    /// Nothing that is known.
    #[error("this is no JPEG, PNG or WebP picture")]
    Unknown,
    /// A side is too short or too long.
    #[error("the picture is {0} by {1} pixels; each side must have {MIN_SIDE} to {MAX_SIDE}")]
    Sides(u32, u32),
    /// It moves.
    #[error("the picture is animated; a page stands still")]
    Animated,
    /// It says where it was taken, by whom and with what.
    #[error(
        "the picture carries EXIF, XMP or IPTC data, such as where and with what it was taken; save it without"
    )]
    Metadata,
    /// It cannot be unpacked, or not to its end.
    #[error("the picture is damaged or cut off: {0}")]
    Damaged(String),
}

impl Picture {
    /// Reads a picture: unpacks all of it, so that what is taken can be shown.
    pub fn of(bytes: &[u8]) -> Result<Picture, PictureFault> {
        if bytes.len() > MAX_PICTURE_BYTES {
            return Err(PictureFault::TooLarge);
        }
        if bytes.is_empty() {
            return Err(PictureFault::Empty);
        }
        let media_type = MediaType::of(bytes).ok_or(PictureFault::Unknown)?;
        let (width, height) = match media_type {
            MediaType::Jpeg => unpack_jpeg(bytes),
            MediaType::Png => unpack_png(bytes),
            MediaType::WebP => unpack_webp(bytes),
        }?;
        Ok(Picture {
            sha256: Hash::of(&[bytes]),
            media_type,
            width,
            height,
        })
    }
}

fn unpack_jpeg(bytes: &[u8]) -> Result<(u32, u32), PictureFault> {
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        // Its own refusal of more would not say how many there are.
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX));
    let mut decoder = JpegDecoder::new_with_options(Cursor::new(bytes), options);
    decoder.decode_headers().map_err(damaged)?;
    let info = decoder.info().ok_or_else(|| damaged("it has no sides"))?;
    let sides = within((info.width.into(), info.height.into()))?;
    decoder.decode().map_err(damaged)?;
    // What comes between the pixels counts, too.
    let says_more = [decoder.exif(), decoder.xmp(), decoder.iptc()];
    match says_more.iter().any(Option::is_some) {
        true => Err(PictureFault::Metadata),
        false => Ok(sides),
    }
}

fn unpack_png(bytes: &[u8]) -> Result<(u32, u32), PictureFault> {
    let limits = png::Limits {
        bytes: MAX_UNPACKED_BYTES,
    };
    let decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
    let mut reader = decoder.read_info().map_err(damaged)?;
    let info = reader.info();
    let sides = within(info.size())?;
    if info.animation_control().is_some() {
        return Err(PictureFault::Animated);
    }
    let size = reader.output_buffer_size();
    let size = size.filter(|size| *size <= MAX_UNPACKED_BYTES);
    let mut pixels = vec![0; size.ok_or_else(|| damaged("it is too large unpacked"))?];
    reader.next_frame(&mut pixels).map_err(damaged)?;
    // What comes behind the pixels counts, too.
    reader.finish().map_err(damaged)?;
    let info = reader.info();
    let plain = info
        .uncompressed_latin1_text
        .iter()
        .map(|text| &text.keyword);
    let packed = info.compressed_latin1_text.iter().map(|text| &text.keyword);
    let unicode = info.utf8_text.iter().map(|text| &text.keyword);
    // Under these names tools of long standing keep what other kinds of pictures have a place for.
    let says_more = |name: &String| {
        name == "XML:com.adobe.xmp" || name.to_ascii_lowercase().starts_with("raw profile type")
    };
    let mut names = plain.chain(packed).chain(unicode);
    match info.exif_metadata.is_some() || names.any(says_more) {
        true => Err(PictureFault::Metadata),
        false => Ok(sides),
    }
}

fn unpack_webp(bytes: &[u8]) -> Result<(u32, u32), PictureFault> {
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(damaged)?;
    decoder.set_memory_limit(MAX_UNPACKED_BYTES);
    let sides = within(decoder.dimensions())?;
    if decoder.is_animated() {
        return Err(PictureFault::Animated);
    }
    for chunk in riff_chunks(bytes) {
        // The decoder makes room by what stands here, before it compares that with the whole.
        if frame_sides(&chunk).is_some_and(|frame| frame != sides) {
            return Err(damaged("its frame has other sides than the whole"));
        }
        if matches!(&chunk.0, b"EXIF" | b"XMP ") {
            return Err(PictureFault::Metadata);
        }
    }
    let size = decoder.output_buffer_size().unwrap_or(usize::MAX);
    if size > MAX_UNPACKED_BYTES {
        return Err(damaged("it is too large unpacked"));
    }
    decoder.read_image(&mut vec![0; size]).map_err(damaged)?;
    Ok(sides)
}

/// Whether a WebP picture is a single frame of the sides that it says it has: decoders make room by what stands in the frame,
/// before they compare that with the whole.
pub(super) fn is_plain_webp(bytes: &[u8], sides: (u32, u32)) -> bool {
    riff_chunks(bytes).all(|chunk| {
        let is_other = frame_sides(&chunk).is_some_and(|frame| frame != sides);
        !is_other && !matches!(&chunk.0, b"ANIM" | b"ANMF")
    })
}

/// The chunks of a WebP picture, each with its name, as far as they go (Google, WebP Container Specification).
fn riff_chunks(bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    let mut rest = bytes.get(12..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (name, behind) = rest.split_first_chunk::<4>()?;
        let (size, behind) = behind.split_first_chunk::<4>()?;
        let size = u32::from_le_bytes(*size) as usize;
        let data = behind.get(..size).unwrap_or(behind);
        // An odd one is followed by a byte of padding.
        rest = behind
            .get(size.saturating_add(size % 2)..)
            .unwrap_or_default();
        Some((*name, data))
    })
}

/// The sides that a frame gives itself: of lossy ones RFC 6386 §9.1, of others the WebP Lossless Bitstream Specification §3.
fn frame_sides(chunk: &([u8; 4], &[u8])) -> Option<(u32, u32)> {
    match (&chunk.0, chunk.1) {
        (b"VP8 ", [_, _, _, 0x9d, 0x01, 0x2a, a, b, c, d, ..]) => {
            let side = |low: u8, high: u8| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
            Some((side(*a, *b), side(*c, *d)))
        }
        (b"VP8L", [0x2f, a, b, c, d, ..]) => {
            let packed = u32::from_le_bytes([*a, *b, *c, *d]);
            Some(((packed & 0x3fff) + 1, (packed >> 14 & 0x3fff) + 1))
        }
        _ => None,
    }
}

fn within((width, height): (u32, u32)) -> Result<(u32, u32), PictureFault> {
    let range = MIN_SIDE..=MAX_SIDE;
    match range.contains(&width) && range.contains(&height) {
        true => Ok((width, height)),
        false => Err(PictureFault::Sides(width, height)),
    }
}

fn damaged(error: impl std::fmt::Display) -> PictureFault {
    PictureFault::Damaged(error.to_string())
}

/// Reads the member `picture` of a product.
pub(super) fn read_picture(at: &At<'_>) -> Result<Picture, Fault> {
    at.only(&[&["sha256", "mediaType", "width", "height"]])?;
    let digest = at.required("sha256")?;
    let sha256 = from_hex::<32>(digest.text()?)
        .map(Hash)
        .ok_or_else(|| digest.fault(FaultKind::MustBe("64 hex digits in lower case")))?;
    let media = at.required("mediaType")?;
    let media_type = MediaType::parse(media.text()?)
        .ok_or_else(|| media.fault(FaultKind::MustBe("image/jpeg, image/png or image/webp")))?;
    let side = |key: &str| {
        let side = at.required(key)?;
        let pixels: Option<u32> = side.number()?.parse().ok();
        pixels
            .filter(|pixels| (MIN_SIDE..=MAX_SIDE).contains(pixels))
            .ok_or_else(|| side.fault(FaultKind::MustBe("120 to 1600 pixels")))
    };
    Ok(Picture {
        sha256,
        media_type,
        width: side("width")?,
        height: side("height")?,
    })
}

#[cfg(test)]
mod tests {
    use auditlog::json;
    use image_webp::{ColorType as WebPColor, WebPEncoder};
    use png::chunk::ChunkType;

    use super::*;

    /// Stripes, so that a picture that is cut off lacks some.
    fn pixels(width: u32, height: u32) -> Vec<u8> {
        let shade = |pixel: u32| [(pixel / width % 251) as u8, (pixel % width / 40) as u8, 90];
        (0..width * height).flat_map(shade).collect()
    }

    fn png_with(
        (width, height): (u32, u32),
        change: impl FnOnce(&mut png::Encoder<'_, &mut Vec<u8>>),
        behind: &[(ChunkType, Vec<u8>)],
    ) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        change(&mut encoder);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&pixels(width, height)).unwrap();
        for (kind, data) in behind {
            writer.write_chunk(*kind, data).unwrap();
        }
        writer.finish().unwrap();
        bytes
    }

    fn png_of(sides: (u32, u32)) -> Vec<u8> {
        png_with(sides, |_| {}, &[])
    }

    fn webp_with(
        (width, height): (u32, u32),
        change: impl FnOnce(&mut WebPEncoder<&mut Vec<u8>>),
    ) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = WebPEncoder::new(&mut bytes);
        change(&mut encoder);
        let pixels = pixels(width, height);
        encoder
            .encode(&pixels, width, height, WebPColor::Rgb8)
            .unwrap();
        bytes
    }

    fn jpeg_with(
        (width, height): (u32, u32),
        exif: Option<&[u8]>,
        is_progressive: bool,
    ) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 20);
        encoder.set_progressive(is_progressive);
        if let Some(exif) = exif {
            encoder.add_app_segment(1, exif.to_vec()).unwrap();
        }
        let sides = (width as u16, height as u16);
        let rgb = jpeg_encoder::ColorType::Rgb;
        encoder
            .encode(&pixels(width, height), sides.0, sides.1, rgb)
            .unwrap();
        bytes
    }

    #[test]
    fn a_picture_of_each_kind_is_read_to_its_end() {
        let sides = (160, 130);
        for (media_type, bytes) in [
            (MediaType::Png, png_of(sides)),
            (MediaType::WebP, webp_with(sides, |_| {})),
            (MediaType::Jpeg, jpeg_with(sides, None, false)),
            (MediaType::Jpeg, jpeg_with(sides, None, true)),
        ] {
            let picture = Picture::of(&bytes).unwrap();
            assert_eq!((picture.width, picture.height), sides, "{media_type:?}");
            assert_eq!(picture.media_type, media_type);
            assert_eq!(picture.sha256, Hash::of(&[&bytes]));
            for end in [12, 60, bytes.len() / 2, bytes.len() * 9 / 10] {
                let fault = Picture::of(&bytes[..end]).unwrap_err();
                let is_damaged = matches!(fault, PictureFault::Damaged(_));
                assert!(is_damaged, "{media_type:?} of {end} bytes: {fault}");
            }
        }
    }

    /// 120 by 120 pixels of one colour, as libwebp packs them with losses, and with an alpha channel beside them.
    const LOSSY: &str = "UklGRngAAABXRUJQVlA4IGwAAAAwBwCdASp4AHgAP3G42GW0ryunIIgCkC4JaQDWdK+wDui8QTcz1ESFxEKq0CqqInh0RCsBpxEM\
        NEIoiFVaBVVEQoAA/uC5etIfZ/xd2I4yUJP+axanJ77Iuebby3G8JsOd9FsOd8oZEE8pAAA=";
    const WITH_ALPHA: &str = "UklGRsIAAABXRUJQVlA4WAoAAAAQAAAAdwAAdwAAQUxQSB0AAAABDzBkERFCUds2UPmjLYNrY9BPRP8nAD/1j84GAwBWUDggfgAA\
        ALAIAJ0BKngAeAA/cbjWYz+uqyYkHfgD8C4JZwAu/99fAgUIyiaOc+ScrbUDIfGAPI/aBsPMFJqAxu7Q7T4+wPpz/RY66b6UN0Hk\
        6DfIAAD+7j09yxe9gaQ/MOE6gvjSx8Bwx4AsbJov39gLi9I84iujfHPBMyAGbVSzHAAAAAA=";

    fn unpacked(base64: &str) -> Vec<u8> {
        use base64::Engine as _;
        let engine = base64::engine::general_purpose::STANDARD;
        engine.decode(base64).unwrap()
    }

    #[test]
    fn lossy_webp_is_read_and_its_frame_must_be_as_large_as_the_whole() {
        for packed in [LOSSY, WITH_ALPHA] {
            let bytes = unpacked(packed);
            let picture = Picture::of(&bytes).unwrap();
            assert_eq!((picture.width, picture.height), (120, 120));
            // The decoder would make room for what the frame says of itself: 16,383 pixels each way.
            let start = bytes
                .windows(3)
                .position(|three| three == [0x9d, 0x01, 0x2a]);
            let mut swollen = bytes.clone();
            swollen[start.unwrap() + 3..][..4].copy_from_slice(&[0xff, 0x3f, 0xff, 0x3f]);
            let fault = Picture::of(&swollen).unwrap_err();
            match packed == LOSSY {
                // Its frame is the whole.
                true => assert_eq!(fault, PictureFault::Sides(16_383, 16_383)),
                false => assert!(fault.to_string().contains("other sides"), "{fault}"),
            }
        }
    }

    #[test]
    fn what_is_no_picture_or_another_kind_of_it_is_refused() {
        for bytes in [
            &b"GIF89a"[..],
            b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
            b"\x89PNG",
        ] {
            assert_eq!(Picture::of(bytes), Err(PictureFault::Unknown));
        }
        assert_eq!(Picture::of(b""), Err(PictureFault::Empty));
        assert!(matches!(
            Picture::of(b"\x89PNG\r\n\x1a\n"),
            Err(PictureFault::Damaged(_))
        ));
    }

    #[test]
    fn sides_have_limits() {
        for sides in [(120, 120), (1_600, 120), (120, 1_600)] {
            assert!(Picture::of(&png_of(sides)).is_ok(), "{sides:?}");
            assert!(Picture::of(&webp_with(sides, |_| {})).is_ok(), "{sides:?}");
            let jpeg = jpeg_with(sides, None, false);
            assert!(Picture::of(&jpeg).is_ok(), "{sides:?}");
        }
        for sides in [(119, 120), (120, 119), (1_601, 120), (120, 1_601)] {
            let fault = Err(PictureFault::Sides(sides.0, sides.1));
            assert_eq!(Picture::of(&png_of(sides)), fault);
            assert_eq!(Picture::of(&webp_with(sides, |_| {})), fault);
            assert_eq!(Picture::of(&jpeg_with(sides, None, false)), fault);
        }
    }

    #[test]
    fn bytes_have_a_limit() {
        let without = png_of((120, 120)).len();
        let filled = |size: usize| {
            let text = vec![b'a'; size - without - 12];
            png_with((120, 120), |_| {}, &[(ChunkType(*b"teXt"), text)])
        };
        let largest = filled(MAX_PICTURE_BYTES);
        assert_eq!(largest.len(), MAX_PICTURE_BYTES);
        assert!(Picture::of(&largest).is_ok());
        let larger = filled(MAX_PICTURE_BYTES + 1);
        assert_eq!(Picture::of(&larger), Err(PictureFault::TooLarge));
    }

    #[test]
    fn what_unpacks_to_more_than_its_sides_allow_is_never_unpacked() {
        // 60,000 by 60,000 pixels of nothing, which would be 10 GB.
        let mut bytes = Vec::from(*b"\x89PNG\r\n\x1a\n");
        let mut header = Vec::from(*b"IHDR");
        header.extend(60_000u32.to_be_bytes());
        header.extend(60_000u32.to_be_bytes());
        header.extend([8, 2, 0, 0, 0]);
        let mut crc = flate2::Crc::new();
        crc.update(&header);
        bytes.extend(13u32.to_be_bytes());
        bytes.extend(&header);
        bytes.extend(crc.sum().to_be_bytes());
        bytes.extend(*b"\0\0\0\0IDAT\x35\xaf\x06\x1e");
        assert_eq!(
            Picture::of(&bytes),
            Err(PictureFault::Sides(60_000, 60_000))
        );
    }

    #[test]
    fn what_says_where_it_was_taken_is_refused() {
        let sides = (130, 130);
        let exif = b"II*\0\x08\0\0\0\0\0\0\0\0\0".to_vec();
        let chunk = (ChunkType(*b"eXIf"), exif.clone());
        let jpeg_exif = [b"Exif\0\0".as_slice(), &exif].concat();
        let jpeg_xmp = b"http://ns.adobe.com/xap/1.0/\0<x/>";
        let xmp = |encoder: &mut png::Encoder<'_, &mut Vec<u8>>| {
            let keyword = "XML:com.adobe.xmp".to_owned();
            encoder.add_itxt_chunk(keyword, "<x/>".to_owned()).unwrap();
        };
        let raw_profile = |encoder: &mut png::Encoder<'_, &mut Vec<u8>>| {
            let keyword = "Raw profile type exif".to_owned();
            encoder.add_ztxt_chunk(keyword, "x".to_owned()).unwrap();
        };
        // What Photoshop writes: IPTC data in an APP13 segment.
        let iptc = b"Photoshop 3.0\0\x38BIM\x04\x04\0\0\0\0\0\x08\x1c\x02\x5a\0\x03Xi'";
        let mut with_iptc = jpeg_with(sides, None, false);
        let length = (iptc.len() as u16 + 2).to_be_bytes();
        let segment = [&[0xff, 0xed], length.as_slice(), iptc].concat();
        with_iptc.splice(2..2, segment);
        // Behind a simple picture, which has no place for it.
        let mut tailed = webp_with(sides, |_| {});
        tailed.extend(*b"EXIF\x04\0\0\0II*\0");
        let whole = (tailed.len() as u32 - 8).to_le_bytes();
        tailed[4..8].copy_from_slice(&whole);
        for (name, bytes) in [
            ("png raw profile", png_with(sides, raw_profile, &[])),
            ("jpeg iptc", with_iptc),
            ("webp tail", tailed),
            ("png exif", png_with(sides, |_| {}, &[chunk])),
            ("png xmp", png_with(sides, xmp, &[])),
            (
                "webp exif",
                webp_with(sides, |it| it.set_exif_metadata(exif.clone())),
            ),
            (
                "webp xmp",
                webp_with(sides, |it| it.set_xmp_metadata(exif.clone())),
            ),
            ("jpeg exif", jpeg_with(sides, Some(&jpeg_exif), false)),
            ("jpeg xmp", jpeg_with(sides, Some(jpeg_xmp), false)),
        ] {
            assert_eq!(Picture::of(&bytes), Err(PictureFault::Metadata), "{name}");
        }
    }

    #[test]
    fn what_moves_is_refused() {
        let mut apng = Vec::new();
        let mut encoder = png::Encoder::new(&mut apng, 120, 120);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_animated(2, 0).unwrap();
        let mut writer = encoder.write_header().unwrap();
        for _ in 0..2 {
            writer.write_image_data(&pixels(120, 120)).unwrap();
        }
        writer.finish().unwrap();
        assert_eq!(Picture::of(&apng), Err(PictureFault::Animated));
        let still = webp_with((120, 120), |_| {});
        assert_eq!(
            Picture::of(&moving_webp(&still[12..])),
            Err(PictureFault::Animated)
        );
    }

    /// An animated WebP of one frame, by the container's specification (Google, RIFF container).
    fn moving_webp(frame: &[u8]) -> Vec<u8> {
        let chunk = |name: &[u8; 4], data: &[u8]| {
            let size = (data.len() as u32).to_le_bytes();
            let pad = vec![0; data.len() % 2];
            [name.as_slice(), &size, data, &pad].concat()
        };
        let sides = [119, 0, 0, 119, 0, 0];
        let header = [&[0b10, 0, 0, 0], sides.as_slice()].concat();
        let of_frame = [&[0; 6], sides.as_slice(), &[100, 0, 0, 0], frame].concat();
        let chunks = [
            chunk(b"VP8X", &header),
            chunk(b"ANIM", &[0; 6]),
            chunk(b"ANMF", &of_frame),
        ];
        chunk(b"RIFF", &[b"WEBP".as_slice(), &chunks.concat()].concat())
    }

    #[test]
    fn a_description_names_a_picture_or_says_what_is_wrong() {
        let read = |text: &str| {
            let body = json::parse(text).unwrap();
            read_picture(&At::root(&body)).map_err(|fault| fault.to_string())
        };
        let digest = "ab".repeat(32);
        let right =
            format!(r#"{{"sha256":"{digest}","mediaType":"image/png","width":120,"height":1600}}"#);
        let picture = read(&right).unwrap();
        assert_eq!(picture.sha256, Hash([0xab; 32]));
        assert_eq!((picture.width, picture.height), (120, 1_600));
        for (old, new, pointer) in [
            ("abab", "ABAB", "/sha256"),
            ("image/png", "image/gif", "/mediaType"),
            ("120", "119", "/width"),
            ("120", "120.5", "/width"),
            ("1600", "1601", "/height"),
            ("\"width\":120,", "", "/width"),
            ("\"width\"", "\"alt\":\"x\",\"width\"", "/alt"),
        ] {
            let fault = read(&right.replacen(old, new, 1)).unwrap_err();
            assert!(fault.starts_with(pointer), "{fault}");
        }
    }
}
