//! The QR code of an address: level M, with the quiet zone of four modules that ISO/IEC 18004 asks
//! for on all sides.

use qrcode::{Color, EcLevel, QrCode};
use thiserror::Error;

/// Modules of white around the code.
const QUIET_ZONE: usize = 4;
/// Pixels of one module in a PNG: a code of version 6 becomes 400 pixels wide.
const PIXELS_A_MODULE: usize = 8;

/// Which kind of picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Svg,
    Png,
}

/// Why there is no picture.
#[derive(Debug, Error)]
pub(super) enum QrError {
    #[error("the address does not fit a QR code: {0}")]
    TooLong(#[from] qrcode::types::QrError),
    #[error("the picture: {0}")]
    Png(#[from] png::EncodingError),
}

/// The media type and the bytes of the picture.
pub(super) fn picture(address: &str, format: Format) -> Result<(&'static str, Vec<u8>), QrError> {
    let code = QrCode::with_error_correction_level(address, EcLevel::M)?;
    Ok(match format {
        Format::Svg => ("image/svg+xml", svg(&code).into_bytes()),
        Format::Png => ("image/png", png(&code)?),
    })
}

/// One path of horizontal runs, on a white ground of its own, so that it scans in dark mode too.
fn svg(code: &QrCode) -> String {
    let width = code.width();
    let whole = width + 2 * QUIET_ZONE;
    let mut path = String::new();
    for (y, row) in code.to_colors().chunks(width).enumerate() {
        let mut x = 0;
        while x < width {
            let run = row[x..]
                .iter()
                .take_while(|color| **color == row[x])
                .count();
            if row[x] == Color::Dark {
                let (left, top) = (x + QUIET_ZONE, y + QUIET_ZONE);
                path.push_str(&format!("M{left} {top}h{run}v1h-{run}z"));
            }
            x += run;
        }
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {whole} {whole}\" \
         shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h{whole}v{whole}H0z\"/>\
         <path fill=\"#000\" d=\"{path}\"/></svg>"
    )
}

/// One bit a pixel.
fn png(code: &QrCode) -> Result<Vec<u8>, QrError> {
    let width = code.width();
    let whole = (width + 2 * QUIET_ZONE) * PIXELS_A_MODULE;
    let colors = code.to_colors();
    let is_dark = |x: usize, y: usize| {
        let module = |at: usize| (at / PIXELS_A_MODULE).checked_sub(QUIET_ZONE);
        match (module(x), module(y)) {
            (Some(x), Some(y)) if x < width && y < width => colors[y * width + x] == Color::Dark,
            _ => false,
        }
    };
    let mut rows = Vec::with_capacity(whole * whole.div_ceil(8));
    for y in 0..whole {
        for eight in 0..whole.div_ceil(8) {
            let bits = (0..8).fold(0u8, |bits, bit| {
                let white = !is_dark(eight * 8 + bit, y);
                bits << 1 | u8::from(white)
            });
            rows.push(bits);
        }
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, whole as u32, whole as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&rows)?;
    writer.finish()?;
    Ok(bytes)
}
