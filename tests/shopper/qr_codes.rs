//! The QR codes, read as a phone reads them.

use std::collections::HashSet;

use qrcode::{EcLevel, QrCode};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};
use rqrr::PreparedImage;

use crate::kit::{BehindProxy, Page, issue};
use crate::support::TestApp;

/// A picture in grey, as a camera sees it.
struct Picture {
    width: usize,
    pixels: Vec<u8>,
}

/// What a reader finds in a picture.
#[derive(Debug, PartialEq, Eq)]
struct Read {
    address: String,
    /// Level of error correction as its two format bits say it: 0 is M (ISO/IEC 18004, table 12).
    level: u16,
    /// Modules on a side, without the quiet zone.
    modules: usize,
}

impl Picture {
    fn from_png(bytes: &[u8]) -> Picture {
        let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!(info.color_type, png::ColorType::Grayscale);
        assert_eq!(info.width, info.height);
        pixels.truncate(info.buffer_size());
        Picture {
            width: info.width as usize,
            pixels,
        }
    }

    /// Eight pixels for each unit of the view box.
    fn from_svg(text: &str) -> Picture {
        let tree = Tree::from_str(text, &Options::default()).unwrap();
        let side = tree.size().width() as u32 * 8;
        let mut pixmap = Pixmap::new(side, side).unwrap();
        resvg::render(&tree, Transform::from_scale(8.0, 8.0), &mut pixmap.as_mut());
        // What nobody painted would be black or white as the page behind it is: it must be painted.
        assert!(
            pixmap.pixels().iter().all(|p| p.alpha() == 255),
            "a ground of its own"
        );
        let pixels = pixmap.pixels().iter().map(|p| p.red()).collect();
        Picture {
            width: side as usize,
            pixels,
        }
    }

    fn read(&self) -> Read {
        let at = |x, y| self.pixels[y * self.width + x];
        let mut image = PreparedImage::prepare_from_greyscale(self.width, self.width, at);
        let grids = image.detect_grids();
        assert_eq!(grids.len(), 1);
        let (meta, address) = grids[0].decode().unwrap();
        Read {
            address,
            level: meta.ecc_level,
            modules: 17 + 4 * meta.version.0,
        }
    }

    /// White pixels between each edge and the nearest dark one: left, top, right, bottom.
    fn margins(&self) -> [usize; 4] {
        let dark = (0..self.pixels.len()).filter(|i| self.pixels[*i] < 128);
        let (xs, ys): (Vec<_>, Vec<_>) = dark.map(|i| (i % self.width, i / self.width)).unzip();
        let least = |of: &[usize]| *of.iter().min().unwrap();
        let most = |of: &[usize]| self.width - 1 - of.iter().max().unwrap();
        [least(&xs), least(&ys), most(&xs), most(&ys)]
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_pictures_of_a_code_say_exactly_the_address_of_its_page() {
    let app = TestApp::start().await;
    let items = issue(&app, Some("L/1"), 1).await;
    app.sealed().await;
    let product = "/01/09521041001012".to_owned();
    let lot = "/01/09521041001012/10/DEMO260624A".to_owned();
    for path in [&items[0], &product, &lot] {
        let svg = app.get_text(&format!("/qr{path}.svg")).await;
        let png = app
            .get(&format!("/qr{path}.png"))
            .await
            .bytes()
            .await
            .unwrap();
        let (from_svg, from_png) = (Picture::from_svg(&svg), Picture::from_png(&png));
        let read = from_svg.read();
        assert_eq!(read.address, app.url(path));
        assert_eq!(read.level, 0, "M");
        assert_eq!(from_png.read(), read);

        let side = read.modules + 8;
        assert!(
            svg.contains(&format!("viewBox=\"0 0 {side} {side}\"")),
            "{svg}"
        );
        for picture in [from_svg, from_png] {
            let module = picture.width / side;
            assert_eq!(module * side, picture.width, "whole pixels for each module");
            // ISO/IEC 18004 §5.3.8: a quiet zone four modules wide on all four sides.
            assert_eq!(picture.margins(), [4 * module; 4]);
        }
    }
    let page = Page::get(&app, &items[0], "en").await;
    assert_eq!(page.text(".qr .address"), app.url(&items[0]));
    assert_eq!(
        page.attribute(".qr img", "src"),
        format!("/qr{}.svg", items[0])
    );
}

#[test]
fn the_reader_tells_levels_and_margins_apart() {
    let levels = [EcLevel::L, EcLevel::M, EcLevel::Q, EcLevel::H].map(|level| {
        let code = QrCode::with_error_correction_level("https://example.org/01/1", level).unwrap();
        let (modules, colors) = (code.width(), code.to_colors());
        let side = modules + 6;
        let is_dark = |x: usize, y: usize| {
            let (x, y) = (x.wrapping_sub(3), y.wrapping_sub(3));
            x < modules && y < modules && colors[y * modules + x] == qrcode::Color::Dark
        };
        let pixel = |i: usize| {
            let (x, y) = (i % (side * 8) / 8, i / (side * 8) / 8);
            if is_dark(x, y) { 0 } else { 255 }
        };
        let width = side * 8;
        let picture = Picture {
            width,
            pixels: (0..width * width).map(pixel).collect(),
        };
        assert_eq!(picture.margins(), [24; 4]);
        picture.read().level
    });
    assert_eq!(levels[1], 0);
    assert_eq!(levels.into_iter().collect::<HashSet<_>>().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_the_picture_says_the_public_address() {
    let public = "https://trace.example.org";
    let app = BehindProxy::start(public).await;
    let path = "/01/09521041001012/10/DEMO260624A/21/3HX692EKJZPKZMJV";
    let png = app.get(&format!("/qr{path}.png")).await;
    assert_eq!(png.headers()["Content-Type"], "image/png");
    let read = Picture::from_png(&png.bytes().await.unwrap()).read();
    assert_eq!(read.address, format!("{public}{path}"));
}
