//! Small pictures, and how a product's description names one.

use rootmark::domain::picture::Picture;

/// A PNG of one colour.
pub fn png(width: u32, height: u32, shade: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().unwrap();
    let pixels = vec![shade; (width * height) as usize];
    writer.write_image_data(&pixels).unwrap();
    writer.finish().unwrap();
    bytes
}

/// The member `picture` of a description.
pub fn member(bytes: &[u8]) -> String {
    let picture = Picture::of(bytes).unwrap();
    format!(
        r#"{{"sha256":"{}","mediaType":"{}","width":{},"height":{}}}"#,
        picture.sha256.to_hex(),
        picture.media_type.as_str(),
        picture.width,
        picture.height
    )
}
