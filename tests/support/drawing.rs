//! Drawings as pictures: the example's products are drawn in `demo/pictures`, and sent as PNG.

#![allow(dead_code, reason = "the test compares pixels and packs none")]

use png::{BitDepth, ColorType, Compression, Encoder, Filter};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

/// Pixels of a side: three for each that a phone's page has room for.
pub const SIDE: u32 = 360;

/// The pixels of a drawing, red, green, blue and alpha of each.
pub fn pixels(svg: &str) -> Vec<u8> {
    let tree = Tree::from_str(svg, &Options::default()).expect("a drawing");
    let mut pixmap = Pixmap::new(SIDE, SIDE).expect("a side");
    let scale = Transform::from_scale(
        SIDE as f32 / tree.size().width(),
        SIDE as f32 / tree.size().height(),
    );
    resvg::render(&tree, scale, &mut pixmap.as_mut());
    let pixels = pixmap.pixels().iter().map(|pixel| pixel.demultiply());
    pixels
        .flat_map(|pixel| [pixel.red(), pixel.green(), pixel.blue(), pixel.alpha()])
        .collect()
}

/// A PNG of pixels, packed as tightly as it gets.
pub fn png(pixels: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, SIDE, SIDE);
    encoder.set_color(ColorType::Rgba);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::High);
    encoder.set_filter(Filter::Adaptive);
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(pixels).expect("pixels");
    writer.finish().expect("an end");
    bytes
}
