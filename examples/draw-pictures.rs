//! Draws the pictures of the example's products anew, after their drawings in `demo/pictures` were changed:
//! `cargo run --example draw-pictures`. It prints what `demo/products.json` has to say of each.

#[path = "../tests/support/drawing.rs"]
mod drawing;

use std::path::Path;

use rootmark::domain::picture::Picture;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/pictures");
    for file in std::fs::read_dir(&folder)? {
        let path = file?.path();
        if path.extension().is_some_and(|extension| extension == "svg") {
            let png = drawing::png(&drawing::pixels(&std::fs::read_to_string(&path)?));
            let picture = Picture::of(&png)?;
            let path = path.with_extension("png");
            std::fs::write(&path, &png)?;
            println!(
                r#"{}: "picture": {{ "sha256": "{}", "mediaType": "{}", "width": {}, "height": {} }}"#,
                path.file_stem().unwrap_or_default().display(),
                picture.sha256.to_hex(),
                picture.media_type.as_str(),
                picture.width,
                picture.height
            );
        }
    }
    Ok(())
}
