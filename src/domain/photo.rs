//! Photographs that shoppers send. What is kept is drawn anew from the pixels: smaller, and without all else that a file carries, such
//! as where it was taken, or what somebody hid in it.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, Rgb, RgbImage};
use thiserror::Error;

use super::picture::is_plain_webp;

/// Bytes of a photograph as it is sent.
pub const MAX_SENT_BYTES: usize = 8 * 1024 * 1024;
/// Pixels of a photograph as it is sent: what phones take unless told otherwise, and twice as much.
pub const MAX_SENT_PIXELS: u64 = 26_000_000;
/// Pixels of the longer side of what is kept: enough to read a label.
pub const KEPT_SIDE: u32 = 1_280;
/// Bytes of what is kept.
pub const MAX_KEPT_BYTES: usize = 384 * 1024;
/// The pixels at four bytes each, those read and those turned upright.
const MAX_UNPACKED_BYTES: u64 = 2 * 4 * MAX_SENT_PIXELS;
/// Sides and qualities, of which the first that is small enough is taken. The last is, whatever the picture shows.
const FORMS: [(u32, u8); 4] = [
    (KEPT_SIDE, 80),
    (KEPT_SIDE, 50),
    (KEPT_SIDE / 2, 50),
    (KEPT_SIDE / 2, 20),
];

/// Why a photograph cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PhotoFault {
    /// Nothing that is known.
    #[error("this is no JPEG, PNG or WebP picture")]
    Unknown,
    /// More than [`MAX_SENT_PIXELS`].
    #[error("the picture has more than {} million pixels", MAX_SENT_PIXELS / 1_000_000)]
    TooManyPixels,
    /// It cannot be unpacked.
    #[error("the picture is damaged or cut off")]
    Damaged,
}

/// A photograph as it is kept: an upright JPEG of at most [`KEPT_SIDE`] pixels and [`MAX_KEPT_BYTES`], made of the pixels
/// alone. Takes up to 300 MB while it works: a photograph of many passes is unpacked twice.
pub fn redrawn(bytes: &[u8]) -> Result<Vec<u8>, PhotoFault> {
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|_| PhotoFault::Unknown)?;
    match reader.format() {
        Some(ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP) => {}
        _ => return Err(PhotoFault::Unknown),
    }
    let is_webp = reader.format() == Some(ImageFormat::WebP);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_UNPACKED_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|_| PhotoFault::Damaged)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_SENT_PIXELS {
        return Err(PhotoFault::TooManyPixels);
    }
    if is_webp && !is_plain_webp(bytes, (width, height)) {
        return Err(PhotoFault::Damaged);
    }
    // Sixteen bits for each colour are twice as many bytes.
    if decoder.total_bytes() > MAX_UNPACKED_BYTES {
        return Err(PhotoFault::TooManyPixels);
    }
    // What it says of itself is not worth losing it for.
    let mut upright = decoder.orientation().ok();
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|_| PhotoFault::Damaged)?;
    let mut kept = Vec::new();
    for (side, quality) in FORMS {
        if picture.width().max(picture.height()) > side {
            picture = picture.thumbnail(side, side);
        }
        if let Some(upright) = upright.take() {
            picture.apply_orientation(upright);
        }
        kept.clear();
        let mut encoder = JpegEncoder::new_with_quality(&mut kept, quality);
        encoder
            .encode_image(&on_white(&picture))
            .map_err(|_| PhotoFault::Damaged)?;
        if kept.len() <= MAX_KEPT_BYTES {
            return Ok(kept);
        }
    }
    Err(PhotoFault::TooManyPixels)
}

/// The picture as it is seen on paper. What somebody made transparent, such as a name, stays hidden: its colour is still in the file.
fn on_white(picture: &DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.to_rgb8();
    }
    let pixels = picture.to_rgba8();
    RgbImage::from_fn(pixels.width(), pixels.height(), |x, y| {
        let [red, green, blue, alpha] = pixels.get_pixel(x, y).0.map(u32::from);
        Rgb([red, green, blue].map(|colour| {
            let seen = colour * alpha + 255 * (255 - alpha);
            u8::try_from(seen / 255).unwrap_or(u8::MAX)
        }))
    })
}

#[cfg(test)]
mod tests {
    use image::{ImageBuffer, ImageEncoder, Rgba};

    use super::*;

    /// Left half red, right half blue.
    fn drawn(width: u32, height: u32) -> ImageBuffer<Rgb<u8>, Vec<u8>> {
        ImageBuffer::from_fn(width, height, |x, _| match x < width / 2 {
            true => Rgb([220, 20, 20]),
            false => Rgb([20, 20, 220]),
        })
    }

    fn written(format: ImageFormat, width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        drawn(width, height).write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn read(bytes: &[u8]) -> DynamicImage {
        image::load_from_memory_with_format(bytes, ImageFormat::Jpeg).unwrap()
    }

    #[test]
    fn what_is_kept_is_a_jpeg_of_the_same_picture_no_larger_than_its_limit() {
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
            let kept = read(&redrawn(&written(format, 2_600, 1_000)).unwrap()).into_rgb8();
            assert_eq!(kept.width(), KEPT_SIDE, "{format:?}");
            assert!(kept.height().abs_diff(492) <= 1, "{}", kept.height());
            let [red, _, blue] = kept.get_pixel(100, 200).0;
            assert!(red > 200 && blue < 50, "{format:?}: {red} {blue}");
        }
        let small = read(&redrawn(&written(ImageFormat::Png, 40, 30)).unwrap());
        assert_eq!((small.width(), small.height()), (40, 30));
    }

    #[test]
    fn nothing_but_the_pixels_is_kept_and_they_stand_upright() {
        // A TIFF header, and one entry: orientation 6, which is a quarter turn to the right. Behind it, a place.
        let mut exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec();
        exif.extend(b"GPS 31.2304 N 121.4737 E");
        let mut sent = Vec::new();
        let mut encoder = JpegEncoder::new_with_quality(&mut sent, 90);
        encoder.set_exif_metadata(exif).unwrap();
        encoder.encode_image(&drawn(200, 100)).unwrap();
        let has_place = |bytes: &[u8]| bytes.windows(7).any(|part| part == b"31.2304");
        assert!(has_place(&sent));
        sent.extend(b"31.2304 behind its end");
        let kept = redrawn(&sent).unwrap();
        assert!(!has_place(&kept));
        assert!(!kept.windows(4).any(|part| part == b"Exif"));
        let kept = read(&kept).into_rgb8();
        assert_eq!((kept.width(), kept.height()), (100, 200));
        // What was on the left is above now.
        assert!(kept.get_pixel(50, 20).0[0] > 200 && kept.get_pixel(50, 180).0[2] > 200);
    }

    #[test]
    fn what_is_no_picture_or_too_much_of_one_is_refused() {
        for bytes in [
            &b""[..],
            b"hello",
            b"GIF89a",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        ] {
            assert_eq!(redrawn(bytes), Err(PhotoFault::Unknown));
        }
        let whole = written(ImageFormat::Png, 300, 300);
        assert_eq!(redrawn(&whole[..whole.len() / 2]), Err(PhotoFault::Damaged));
        // A bomb: few bytes, many pixels.
        let bomb = written(ImageFormat::Png, 6_500, 4_001);
        assert!(bomb.len() < MAX_SENT_BYTES / 20, "{}", bomb.len());
        assert_eq!(redrawn(&bomb), Err(PhotoFault::TooManyPixels));
        assert!(redrawn(&written(ImageFormat::Png, 6_500, 4_000)).is_ok());
    }

    #[test]
    fn a_webp_whose_frame_is_larger_than_it_says_is_not_unpacked() {
        let whole = written(ImageFormat::WebP, 300, 300);
        assert!(redrawn(&whole).is_ok());
        // A frame of the lossless kind says its sides in the bytes after its mark: here 16,384 by 16,384.
        let mark = whole.windows(4).position(|part| part == b"VP8L").unwrap();
        let mut bomb = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x2b\x01\0\x2b\x01\0".to_vec();
        bomb.extend(&whole[mark..]);
        let size = (bomb.len() as u32 - 8).to_le_bytes();
        bomb[4..8].copy_from_slice(&size);
        assert!(redrawn(&bomb).is_ok(), "the same sides");
        let sides = bomb.windows(4).position(|part| part == b"VP8L").unwrap() + 9;
        bomb[sides..sides + 3].copy_from_slice(&[0xff, 0xff, 0xff]);
        bomb[sides + 3] |= 0x0f;
        assert_eq!(redrawn(&bomb), Err(PhotoFault::Damaged));
    }

    #[test]
    fn what_was_made_transparent_stays_hidden() {
        let secret: ImageBuffer<Rgba<u8>, Vec<u8>> = ImageBuffer::from_fn(100, 100, |x, _| {
            Rgba([200, 0, 0, if x < 50 { 0 } else { 255 }])
        });
        let mut sent = Cursor::new(Vec::new());
        secret.write_to(&mut sent, ImageFormat::Png).unwrap();
        let kept = read(&redrawn(&sent.into_inner()).unwrap()).into_rgb8();
        let [red, green, blue] = kept.get_pixel(20, 50).0;
        assert!(
            red > 245 && green > 245 && blue > 245,
            "{red} {green} {blue}"
        );
        assert!(kept.get_pixel(80, 50).0[1] < 20);
    }

    #[test]
    fn noise_is_made_small_enough() {
        let mut seed = 1u32;
        let noise: ImageBuffer<Rgb<u8>, Vec<u8>> = ImageBuffer::from_fn(1_280, 1_280, |_, _| {
            Rgb([0, 1, 2].map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 24) as u8
            }))
        });
        let mut sent = Cursor::new(Vec::new());
        noise.write_to(&mut sent, ImageFormat::Png).unwrap();
        let kept = redrawn(&sent.into_inner()).unwrap();
        assert!(kept.len() <= MAX_KEPT_BYTES, "{}", kept.len());
        assert_eq!(read(&kept).width(), KEPT_SIDE / 2);
    }
}
