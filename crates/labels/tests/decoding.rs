//! What a scanner sees.

mod common;

use common::{DOMAIN, Picture, page_count, pdf, rice, roll, serial};
use labels::{Font, Grid, Preset, Roll, Size, Stock};

/// Reads every label of a page in its place and gives the addresses.
fn read_page(pdf: &[u8], stock: &Stock, page: usize, labels: usize, dpi: u16) -> Vec<String> {
    let picture = Picture::of(pdf, page, dpi);
    let place = |index| picture.part(stock.position(index), stock.label());
    let all = (0..labels).map(|index| {
        let label = place(index);
        assert!(
            label.has_blank_border(0.3),
            "label {index} keeps off its edge"
        );
        let code = label.only_code();
        assert_eq!(code.level, 0, "the level is M");
        code.content
    });
    let read = all.collect();
    for index in labels..stock.labels_per_page() {
        let label = place(index);
        assert!(label.is_blank(0.0, 0.0, label.width as f32, label.height as f32));
    }
    read
}

fn addresses(range: std::ops::Range<u64>) -> Vec<String> {
    range
        .map(|number| format!("{DOMAIN}{}", serial(number)))
        .collect()
}

#[test]
fn every_label_of_every_preset_reads_back_in_its_place() {
    let font = Font::discover().unwrap();
    for preset in Preset::ALL {
        let stock = Stock::a4_grid(preset.grid()).unwrap();
        let full = stock.labels_per_page();
        let pdf = pdf(&rice(stock.clone()), &font, full as u64 + 2);
        assert_eq!(page_count(&pdf), 2, "{preset:?}");
        assert_eq!(
            read_page(&pdf, &stock, 1, full, 300),
            addresses(0..full as u64),
            "{preset:?}"
        );
        let last = full as u64..full as u64 + 2;
        assert_eq!(
            read_page(&pdf, &stock, 2, 2, 300),
            addresses(last),
            "{preset:?}"
        );
    }
}

#[test]
fn codes_read_at_200_dots_per_inch_too() {
    let stock = Stock::a4_grid(Preset::FourByTen.grid()).unwrap();
    let pdf = pdf(&rice(stock.clone()), &Font::discover().unwrap(), 40);
    assert_eq!(read_page(&pdf, &stock, 1, 40, 200), addresses(0..40));
}

#[test]
fn every_page_of_a_roll_reads_back() {
    let font = Font::discover().unwrap();
    for (width, height) in [
        (60.0, 40.0),
        (50.0, 30.0),
        (40.0, 60.0),
        (40.0, 30.0),
        (100.0, 150.0),
    ] {
        let stock = roll(width, height);
        let pdf = pdf(&rice(stock.clone()), &font, 3);
        for page in 0..3 {
            let expected = addresses(page as u64..page as u64 + 1);
            assert_eq!(
                read_page(&pdf, &stock, page + 1, 1, 300),
                expected,
                "{width} x {height}"
            );
        }
    }
}

#[test]
fn modules_for_a_thermal_printer_are_whole_dots() {
    for dots_per_inch in [203, 300] {
        let label = Size {
            width_mm: 60.0,
            height_mm: 40.0,
        };
        let stock = Stock::roll(Roll {
            label,
            dots_per_inch: Some(dots_per_inch),
        })
        .unwrap();
        let pdf = pdf(&rice(stock.clone()), &Font::discover().unwrap(), 1);
        let picture = Picture::of(&pdf, 1, dots_per_inch);
        let code = picture.only_code();
        let (left, _, right, _) = picture.exact(&code);
        let dots = (right - left) / code.modules as f32;
        assert!((dots - dots.round()).abs() < 0.001, "{dots} dots a module");
        assert_eq!(
            read_page(&pdf, &stock, 1, 1, dots_per_inch),
            addresses(0..1)
        );
    }
}

#[test]
fn cutting_marks_lie_on_the_edges_and_nowhere_else() {
    let grid = Grid {
        cutting_marks: true,
        ..Preset::ThreeBySeven.grid()
    };
    let stock = Stock::a4_grid(grid).unwrap();
    let pdf = pdf(&rice(stock.clone()), &Font::discover().unwrap(), 21);
    let picture = Picture::of(&pdf, 1, 300);
    for index in 0..21 {
        let (x, y) = stock.position(index);
        let label = stock.label();
        let whole = picture.part((x, y), label);
        assert!(!whole.has_blank_border(0.1), "label {index} has an outline");
        let inner = Size {
            width_mm: label.width_mm - 0.4,
            height_mm: label.height_mm - 0.4,
        };
        assert!(
            picture
                .part((x + 0.2, y + 0.2), inner)
                .has_blank_border(0.2)
        );
    }
    let first = picture.part(
        (stock.position(0).0 + 63.5 + 0.2, 15.15),
        Size {
            width_mm: 2.0,
            height_mm: 266.7,
        },
    );
    assert!(
        first.is_blank(0.0, 0.0, first.width as f32, first.height as f32),
        "the gap is blank"
    );
}

#[test]
fn ink_stays_where_an_office_printer_reaches() {
    let stock = Stock::a4_grid(Preset::ThreeByEight.grid()).unwrap();
    let pdf = pdf(&rice(stock), &Font::discover().unwrap(), 24);
    assert!(Picture::of(&pdf, 1, 300).has_blank_border(4.0));
}
