//! Every promise of a stock and a font that can fail, failing.

use std::path::{Path, PathBuf};

use labels::{Font, FontError, Grid, Job, Preset, Roll, Sample, Sheets, Size, Stock, StockError};

const DEJAVU: &str = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf";

/// Writes a file into the directory of test outputs.
fn written(name: &str, data: &[u8]) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, data).unwrap();
    path
}

#[test]
fn stocks_that_do_not_fit_the_sheet_are_refused() {
    let grid = Preset::ThreeByEight.grid();
    let wide = Stock::a4_grid(Grid {
        gap_x_mm: 1.0,
        ..grid
    });
    let Err(StockError::DoesNotFitThePage { needed, page }) = wide else {
        panic!("{wide:?}")
    };
    assert_eq!((needed.width_mm, page.width_mm), (212.0, 210.0));
    let high = Stock::a4_grid(Grid { rows: 9, ..grid });
    assert!(matches!(high, Err(StockError::DoesNotFitThePage { .. })));
    for preset in Preset::ALL {
        Stock::a4_grid(preset.grid()).unwrap();
    }
}

#[test]
fn lengths_and_counts_out_of_their_limits_are_refused() {
    let grid = Preset::ThreeByEight.grid();
    for bad in [f32::NAN, f32::INFINITY, -1.0] {
        let margin = Stock::a4_grid(Grid {
            left_mm: bad,
            ..grid
        });
        assert!(
            matches!(margin, Err(StockError::LengthOutOfRange { .. })),
            "{bad}"
        );
        let label = Size {
            width_mm: bad,
            height_mm: 30.0,
        };
        let roll = Stock::roll(Roll {
            label,
            dots_per_inch: None,
        });
        assert!(
            matches!(roll, Err(StockError::LengthOutOfRange { .. })),
            "{bad}"
        );
    }
    for columns in [0, 41] {
        let count = Stock::a4_grid(Grid { columns, ..grid });
        assert!(
            matches!(count, Err(StockError::CountOutOfRange { .. })),
            "{columns}"
        );
    }
    let label = Size {
        width_mm: 60.0,
        height_mm: 40.0,
    };
    let roll = Stock::roll(Roll {
        label,
        dots_per_inch: Some(10),
    });
    assert!(matches!(roll, Err(StockError::ResolutionOutOfRange { .. })));
}

#[test]
fn fonts_that_cannot_be_used_are_refused() {
    let load = |path: &str, face| Font::load(path, face).unwrap_err();
    assert!(matches!(
        load("/no/such/font.ttf", None),
        FontError::Unreadable { .. }
    ));
    assert!(matches!(
        load(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"), None),
        FontError::NotAFont { .. }
    ));
    let noto = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc";
    let FontError::FaceNotHeld { held, .. } = load(noto, Some("Comic Sans")) else {
        panic!("another error")
    };
    assert!(
        held.iter().any(|name| name == "Noto Sans CJK SC"),
        "{held:?}"
    );
    let large = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("large.ttf");
    std::fs::File::create(&large)
        .unwrap()
        .set_len(65 << 20)
        .unwrap();
    assert!(matches!(
        Font::load(&large, None),
        Err(FontError::FileTooLarge { .. })
    ));
    std::fs::remove_file(large).unwrap();
}

#[test]
fn a_collection_gives_the_face_for_simplified_chinese() {
    assert_eq!(Font::discover().unwrap().family(), "Noto Sans CJK SC");
    let noto = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc";
    assert_eq!(
        Font::load(noto, Some("Noto Sans CJK TC")).unwrap().family(),
        "Noto Sans CJK TC"
    );
}

#[test]
fn a_font_whose_maker_forbids_embedding_is_refused() {
    let mut data = std::fs::read(DEJAVU).unwrap();
    let record = data.windows(4).position(|tag| tag == b"OS/2").unwrap();
    let offset = u32::from_be_bytes(data[record + 8..record + 12].try_into().unwrap()) as usize;
    // The embedding permissions are the fifth field of the table; 2 is a restricted licence.
    data[offset + 8..offset + 10].copy_from_slice(&[0, 2]);
    let error = Font::load(written("restricted.ttf", &data), None).unwrap_err();
    assert!(
        matches!(error, FontError::EmbeddingNotAllowed { .. }),
        "{error}"
    );
}

#[test]
fn a_font_without_plain_outlines_is_refused() {
    let mut data = std::fs::read(DEJAVU).unwrap();
    let record = data.windows(4).position(|tag| tag == b"glyf").unwrap();
    data[record..record + 4].copy_from_slice(b"glyx");
    let error = Font::load(written("hollow.ttf", &data), None).unwrap_err();
    assert!(
        matches!(error, FontError::NoStaticOutlines { .. }),
        "{error}"
    );
}

#[test]
fn damaged_fonts_never_crash() {
    let data = std::fs::read(DEJAVU).unwrap();
    for share in 1..20 {
        let path = written("damaged.ttf", &data[..data.len() * share / 20]);
        let Ok(font) = Font::load(path, None) else {
            continue;
        };
        let label = Size {
            width_mm: 60.0,
            height_mm: 40.0,
        };
        let job = Job {
            stock: Stock::roll(Roll {
                label,
                dots_per_inch: None,
            })
            .unwrap(),
            name: "Honey".into(),
            other_name: None,
            lines: Vec::new(),
            hidden_caption: None,
            sample: Sample {
                address: "https://example.org/01/09529990000018".into(),
                elements: Vec::new(),
                hidden: None,
            },
        };
        let _ = Sheets::begin(Vec::new(), &job, &font);
    }
}
