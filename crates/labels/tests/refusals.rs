//! Every promise of a job and a label that can fail, failing.

mod common;

use common::{DOMAIN, push, rice, roll, varying};
use labels::{
    Field, Font, Job, JobError, Label, LabelError, Line, Roll, Sheets, SheetsError, Size, Stock,
    TextError,
};

fn font() -> Font {
    Font::discover().unwrap()
}

fn refused(job: &Job) -> JobError {
    match Sheets::begin(Vec::new(), job, &font()) {
        Err(SheetsError::Job(error)) => error,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("the job is taken"),
    }
}

fn refused_text(job: &Job) -> TextError {
    match refused(job) {
        JobError::Text(error) => error,
        other => panic!("{other}"),
    }
}

fn refused_label(label: &Label<'_>) -> LabelError {
    let job = rice(roll(60.0, 40.0));
    match Sheets::begin(Vec::new(), &job, &font())
        .unwrap()
        .push(label)
    {
        Err(SheetsError::Label {
            position: 0,
            source,
        }) => source,
        other => panic!("{other:?}"),
    }
}

fn label<'a>(address: &'a str, elements: &'a [&'a str]) -> Label<'a> {
    Label {
        address,
        elements,
        hidden: None,
    }
}

#[test]
fn a_label_that_is_too_small_for_its_code_is_refused_with_the_size_it_needs() {
    let JobError::LabelTooSmallForItsCode { needed, have } = refused(&rice(roll(40.0, 15.0)))
    else {
        panic!("another error");
    };
    assert_eq!(
        have,
        Size {
            width_mm: 40.0,
            height_mm: 15.0
        }
    );
    // Version 4 has 33 modules; with 4 of quiet zone on both sides and half a millimetre of edge.
    assert!(
        (needed.height_mm - (41.0 * 0.396 + 1.0)).abs() < 0.01,
        "{needed}"
    );
    assert_eq!(needed.width_mm, 40.0);
}

#[test]
fn a_label_that_is_too_small_for_its_texts_is_refused_with_a_size_that_is_enough() {
    let JobError::LabelTooSmallForItsTexts { needed, .. } = refused(&rice(roll(25.0, 18.0))) else {
        panic!("another error");
    };
    let enough = rice(roll(needed.width_mm, needed.height_mm));
    Sheets::begin(Vec::new(), &enough, &font()).unwrap();
}

#[test]
fn a_printer_with_coarse_dots_needs_a_larger_label() {
    let label = Size {
        width_mm: 40.0,
        height_mm: 17.4,
    };
    let mut job = rice(
        Stock::roll(Roll {
            label,
            dots_per_inch: Some(203),
        })
        .unwrap(),
    );
    assert!(matches!(
        refused(&job),
        JobError::LabelTooSmallForItsCode { .. }
    ));
    job.stock = Stock::roll(Roll {
        label,
        dots_per_inch: None,
    })
    .unwrap();
    assert!(matches!(
        refused(&job),
        JobError::LabelTooSmallForItsTexts { .. }
    ));
}

#[test]
fn characters_that_the_font_lacks_are_named() {
    let mut job = rice(roll(60.0, 40.0));
    job.name = "米\u{E000}\u{13000}".into();
    let characters = vec!['\u{E000}', '\u{13000}'];
    assert_eq!(refused(&job), JobError::NoGlyphFor { characters });
}

#[test]
fn controls_and_bidi_controls_are_named() {
    for character in [
        '\n', '\0', '\u{7F}', '\u{200E}', '\u{200F}', '\u{202A}', '\u{202E}', '\u{2066}',
        '\u{2069}',
    ] {
        let mut job = rice(roll(60.0, 40.0));
        job.name = format!("大{character}米");
        let field = Field::Name;
        assert_eq!(
            refused_text(&job),
            TextError::InvisibleCharacter { field, character }
        );
        job.name = "大米".into();
        job.lines[0].value = format!("L{character}");
        let field = Field::Value;
        assert_eq!(
            refused_text(&job),
            TextError::InvisibleCharacter { field, character }
        );
    }
    let mut job = rice(roll(60.0, 40.0));
    job.name = "大\u{202E}米".into();
    assert_eq!(
        refused(&job).to_string(),
        "the product name holds the invisible character U+202E"
    );
    let address = format!("{DOMAIN}\u{202E}");
    let error = refused_label(&label(&address, &[]));
    let expected = TextError::InvisibleCharacter {
        field: Field::Address,
        character: '\u{202E}',
    };
    assert_eq!(error, LabelError::Text(expected));
}

#[test]
fn scripts_that_need_shaping_are_refused() {
    for (name, character) in [("عسل", 'ع'), ("शहद", 'श'), ("e\u{301}", '\u{301}')] {
        let mut job = rice(roll(60.0, 40.0));
        job.other_name = Some(name.into());
        let field = Field::OtherName;
        assert_eq!(
            refused_text(&job),
            TextError::NeedsShaping { field, character }
        );
    }
}

#[test]
fn every_text_has_a_limit() {
    let base = || rice(roll(100.0, 100.0));
    let long = |job: Job, field, length, limit| {
        assert_eq!(
            refused_text(&job),
            TextError::TooLong {
                field,
                length,
                limit
            }
        );
    };
    long(
        Job {
            name: "米".repeat(121),
            ..base()
        },
        Field::Name,
        121,
        120,
    );
    long(
        Job {
            other_name: Some("a".repeat(121)),
            ..base()
        },
        Field::OtherName,
        121,
        120,
    );
    long(
        Job {
            hidden_caption: Some("a".repeat(41)),
            ..base()
        },
        Field::HiddenCaption,
        41,
        40,
    );
    long(
        Job {
            lines: vec![Line::new("a".repeat(41), "b")],
            ..base()
        },
        Field::Caption,
        41,
        40,
    );
    long(
        Job {
            lines: vec![Line::new("a", "b".repeat(61))],
            ..base()
        },
        Field::Value,
        61,
        60,
    );
    let mut job = base();
    job.sample.address = "a".repeat(214);
    long(job, Field::Address, 214, 213);
    let mut job = base();
    job.sample.elements = vec![varying(&format!("(21){}", "a".repeat(93)))];
    long(job, Field::Element, 97, 96);
    let mut job = base();
    job.sample.hidden = Some("A".repeat(17));
    long(job, Field::Hidden, 17, 16);
    let job = Job {
        lines: vec![Line::new("a", "b"); 9],
        ..base()
    };
    assert_eq!(
        refused(&job),
        JobError::TooMany {
            what: "lines",
            count: 9,
            limit: 8
        }
    );
    let mut job = base();
    job.sample.elements = vec![varying("(21)A"); 7];
    assert_eq!(
        refused(&job),
        JobError::TooMany {
            what: "element strings",
            count: 7,
            limit: 6
        }
    );
}

#[test]
fn empty_texts_are_refused() {
    let job = Job {
        name: " ".into(),
        ..rice(roll(60.0, 40.0))
    };
    assert_eq!(refused_text(&job), TextError::Empty { field: Field::Name });
    let error = refused_label(&label("", &[]));
    assert_eq!(
        error,
        LabelError::Text(TextError::Empty {
            field: Field::Address
        })
    );
}

#[test]
fn an_address_longer_than_the_sample_is_refused() {
    let address = format!("{DOMAIN}{}", "A".repeat(40));
    let length = address.len();
    let error = refused_label(&label(&address, &[]));
    assert_eq!(
        error,
        LabelError::AddressLongerThanTheSample { length, version: 4 }
    );
}

#[test]
fn the_longest_address_of_the_dearest_shape_still_has_a_version() {
    // The capitals at the end are too few for a part of their own to pay.
    let mut job = rice(roll(100.0, 100.0));
    job.sample.address = format!("{}ABC", "~".repeat(210));
    let sheets = Sheets::begin(Vec::new(), &job, &font()).unwrap();
    assert_eq!(sheets.qr_version(), 10);
}

#[test]
fn addresses_and_elements_take_only_their_own_characters() {
    for character in [' ', '"', '<', '米', '|'] {
        let address = format!("{DOMAIN}{character}");
        let expected = TextError::CharacterNotAllowed {
            field: Field::Address,
            character,
        };
        assert_eq!(
            refused_label(&label(&address, &[])),
            LabelError::Text(expected)
        );
    }
    let address = format!("{DOMAIN}A");
    for element in ["21A", "()A", "(2)A", "(21345)A", "(21)", "(2a)A"] {
        let expected = TextError::NotAnElementString {
            text: element.into(),
        };
        assert_eq!(
            refused_label(&label(&address, &[element])),
            LabelError::Text(expected)
        );
    }
}

#[test]
fn elements_wider_or_more_than_the_samples_are_refused() {
    let address = format!("{DOMAIN}A");
    let wide = format!("(21){}", "W".repeat(60));
    let error = refused_label(&label(
        &address,
        &["(01)09529990000018", "(10)L2611", &wide],
    ));
    assert!(matches!(
        error,
        LabelError::ElementsWiderThanTheSample { .. }
    ));
    let four = ["(01)09529990000018", "(10)L2611", "(21)A", "(17)271119"];
    let error = refused_label(&label(&address, &four));
    assert_eq!(error, LabelError::TooManyElements { count: 4, limit: 3 });
}

#[test]
fn hidden_codes_need_a_place_that_holds_them() {
    let address = format!("{DOMAIN}A");
    let hidden = Some("7KQ4-0ZXP");
    let error = refused_label(&Label {
        address: &address,
        elements: &[],
        hidden,
    });
    assert_eq!(error, LabelError::NoPlaceForTheHiddenCode);
    let job = Job {
        hidden_caption: Some("刮开".into()),
        ..rice(roll(50.0, 30.0))
    };
    let mut sheets = Sheets::begin(Vec::new(), &job, &font()).unwrap();
    let wide = Label {
        address: &address,
        elements: &[],
        hidden: Some("WWWWWWWWWWWWWWWW"),
    };
    let error = sheets.push(&wide).unwrap_err();
    let SheetsError::Label {
        source: LabelError::HiddenWiderThanItsFrame { .. },
        ..
    } = error
    else {
        panic!("{error}");
    };
    sheets
        .push(&Label {
            address: &address,
            elements: &[],
            hidden: Some("WWWW-WWWW"),
        })
        .unwrap();
}

/// Takes so many bytes, then fails.
struct Failing(usize);

impl std::io::Write for Failing {
    fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
        self.0 = self
            .0
            .checked_sub(data.len())
            .ok_or(std::io::ErrorKind::BrokenPipe)?;
        Ok(data.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn after_the_writer_failed_nothing_more_is_written() {
    let job = rice(roll(60.0, 40.0));
    let mut sheets = Sheets::begin(Failing(100_000), &job, &font()).unwrap();
    let failed = (0..1000).find_map(|number| push(&mut sheets, &job, number).err());
    assert!(matches!(failed, Some(SheetsError::Write(_))));
    assert!(matches!(
        push(&mut sheets, &job, 0),
        Err(SheetsError::BrokenOff)
    ));
    assert!(matches!(sheets.finish(), Err(SheetsError::BrokenOff)));
}

#[test]
fn a_job_without_labels_makes_no_file() {
    let sheets = Sheets::begin(Vec::new(), &rice(roll(60.0, 40.0)), &font()).unwrap();
    assert!(matches!(sheets.finish(), Err(SheetsError::NoLabels)));
}
