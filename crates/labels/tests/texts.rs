//! What a reader, a search and a validator see.

mod common;

use common::{Picture, check, fixed, page_count, pdf, push, rice, roll, serial, text};
use labels::{Font, Job, Label, Line, Preset, Sheets, Stock};

fn noto() -> Font {
    let path = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc";
    Font::load(path, Some("Noto Sans CJK SC")).unwrap()
}

fn hidden(stock: Stock) -> Job {
    Job {
        hidden_caption: Some("刮开涂层查验".into()),
        ..rice(stock)
    }
}

#[test]
fn name_lot_hri_and_hidden_code_can_be_extracted() {
    let stock = Stock::a4_grid(Preset::ThreeByEight.grid()).unwrap();
    let text = text(&pdf(&hidden(stock), &noto(), 2));
    for number in 0..2 {
        let serial = serial(number);
        assert!(text.contains(&format!("(21){serial}")), "{text}");
        assert!(
            text.contains(&format!("{}-{}", &serial[..4], &serial[4..8])),
            "{text}"
        );
    }
    for expected in [
        "五常稻花香有机大米",
        "批号",
        "L2611",
        "(01)09529990000018",
        "(10)L2611",
        "刮开涂层查验",
    ] {
        assert_eq!(
            text.matches(expected).count() % 2,
            0,
            "{expected} on both labels"
        );
        assert!(text.contains(expected), "{expected} in {text}");
    }
}

#[test]
fn truetype_collections_and_plain_truetype_fonts_work_too() {
    let wqy = Font::load("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc", None).unwrap();
    assert_eq!(wqy.family(), "WenQuanYi Micro Hei");
    let job = rice(roll(60.0, 40.0));
    let document = pdf(&job, &wqy, 1);
    check(&document);
    assert!(text(&document).contains("五常稻花香有机大米"));
    let dejavu = Font::load("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", None).unwrap();
    let english = Job {
        name: "Wild mountain honey".into(),
        other_name: Some("Дикий горный мёд".into()),
        lines: vec![Line::new("Lot", "L2611")],
        ..job
    };
    let document = pdf(&english, &dejavu, 1);
    check(&document);
    let text = text(&document).replace('\n', " ");
    assert!(
        text.contains("Wild mountain honey") && text.contains("Дикий горный мёд"),
        "{text}"
    );
}

#[test]
fn page_trees_of_every_shape_are_sound() {
    let job = rice(roll(50.0, 30.0));
    let font = noto();
    for count in [1, 63, 64, 65, 128, 4095, 4096, 4097, 4161] {
        let document = pdf(&job, &font, count);
        check(&document);
        assert_eq!(page_count(&document), count as usize);
    }
}

#[test]
fn sheets_with_marks_and_hidden_codes_are_sound() {
    let grid = labels::Grid {
        cutting_marks: true,
        ..Preset::FourByTen.grid()
    };
    let job = Job {
        other_name: None,
        ..hidden(Stock::a4_grid(grid).unwrap())
    };
    check(&pdf(&job, &noto(), 90));
}

#[test]
fn the_same_job_gives_the_same_bytes() {
    let stock = Stock::a4_grid(Preset::TwoBySeven.grid()).unwrap();
    let (first, second) = (
        pdf(&rice(stock.clone()), &noto(), 30),
        pdf(&rice(stock), &noto(), 30),
    );
    assert_eq!(first, second);
    assert!(
        !first
            .windows(5)
            .any(|part| part == b"/Crea" || part == b"/ModD")
    );
}

#[test]
fn a_refused_label_leaves_no_trace() {
    let (job, font) = (rice(roll(60.0, 40.0)), noto());
    let mut sheets = Sheets::begin(Vec::new(), &job, &font).unwrap();
    push(&mut sheets, &job, 0).unwrap();
    let refused = Label {
        address: "https://example.org/é",
        elements: &[],
        hidden: None,
    };
    assert!(sheets.push(&refused).is_err());
    push(&mut sheets, &job, 1).unwrap();
    assert_eq!(sheets.finish().unwrap(), pdf(&job, &font, 2));
}

#[test]
fn a_name_too_long_for_two_lines_ends_with_an_ellipsis() {
    let name = "黑龙江省哈尔滨市五常市民乐朝鲜族乡稻花香二号有机认证新米".repeat(3);
    let job = Job {
        name,
        other_name: None,
        ..rice(roll(50.0, 30.0))
    };
    let text = text(&pdf(&job, &noto(), 1));
    assert!(
        text.contains('…') && text.contains("黑龙江省哈尔滨"),
        "{text}"
    );
}

#[test]
fn texts_at_their_longest_stay_on_the_label_and_off_the_code() {
    let sizes = [
        (60.0, 40.0),
        (50.0, 30.0),
        (40.0, 60.0),
        (70.0, 37.0),
        (100.0, 150.0),
    ];
    let font = noto();
    let long = |text: &str| text.chars().cycle().take(120).collect::<String>();
    for (width, height) in sizes {
        for (name, other) in [
            ("有机大米（新）", "Organic rice, new "),
            ("W", "Ш"),
            ("Ég", "國"),
        ] {
            let mut job = hidden(roll(width, height));
            (job.name, job.other_name) = (long(name), Some(long(other)));
            job.hidden_caption = (width > 45.0).then(|| "刮开涂层后输入验证码".into());
            let document = pdf(&job, &font, 1);
            let picture = Picture::of(&document, 1, 300);
            assert!(picture.has_blank_border(0.4), "{width} x {height}: {name}");
            picture.only_code();
            check(&document);
        }
    }
}

#[test]
fn the_widest_serial_number_fits_where_the_sample_fits() {
    let font = noto();
    for preset in Preset::ALL {
        let stock = Stock::a4_grid(preset.grid()).unwrap();
        let mut job = rice(stock.clone());
        job.other_name = None;
        let mut sheets = Sheets::begin(Vec::new(), &job, &font).unwrap();
        sheets
            .push(&Label {
                address: &format!("{}{}", common::DOMAIN, "W".repeat(16)),
                elements: &["(01)09529990000018", "(10)L2611", "(21)WWWWWWWWWWWWWWWW"],
                hidden: None,
            })
            .unwrap();
        let document = sheets.finish().unwrap();
        assert!(text(&document).contains("(21)WWWWWWWWWWWWWWWW"));
        let label = Picture::of(&document, 1, 300).part(stock.position(0), stock.label());
        assert!(label.has_blank_border(0.4), "{preset:?}");
        label.only_code();
    }
}

#[test]
fn a_label_without_elements_lines_or_second_name_is_drawn() {
    let mut job = rice(roll(60.0, 40.0));
    (job.other_name, job.lines, job.sample.elements) = (None, Vec::new(), Vec::new());
    let mut sheets = Sheets::begin(Vec::new(), &job, &noto()).unwrap();
    let address = job.sample.address.clone();
    sheets
        .push(&Label {
            address: &address,
            elements: &[],
            hidden: None,
        })
        .unwrap();
    let document = sheets.finish().unwrap();
    check(&document);
    assert_eq!(text(&document).trim(), "五常稻花香有机大米");
    job.sample.elements = vec![fixed("(01)09529990000018")];
    Sheets::begin(Vec::new(), &job, &noto()).unwrap();
}
