//! Writes sample pages of every kind into the directory given.

use std::path::Path;

use labels::{
    Font, Grid, Job, Label, Line, Preset, Roll, Sample, SampleElement, Sheets, Size, Stock,
};

const DOMAIN: &str = "https://trace.example.org/01/09529990000018/10/L2611/21/";

fn serial(mut number: u64) -> String {
    let digits = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    number = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5DEE_CE66_D1CE_5EED;
    let pick = |at: u32| char::from(digits[(number.rotate_left(at * 5) % 32) as usize]);
    (0..16).map(pick).collect()
}

fn job(stock: Stock) -> Job {
    Job {
        stock,
        name: "五常稻花香有机大米".into(),
        other_name: Some("Wuchang Daohuaxiang organic rice".into()),
        lines: vec![
            Line::new("批号", "L2611"),
            Line::new("生产日期", "2026-11-20"),
            Line::new("保质期至", "2027-11-19"),
        ],
        hidden_caption: None,
        sample: Sample {
            address: format!("{DOMAIN}PKS8R0HW09ZYG1XJ"),
            elements: vec![
                SampleElement::Fixed("(01)09529990000018".into()),
                SampleElement::Fixed("(10)L2611".into()),
                SampleElement::Varying("(21)PKS8R0HW09ZYG1XJ".into()),
            ],
            hidden: None,
        },
    }
}

fn write(directory: &Path, title: &str, job: &Job, font: &Font, count: u64) {
    let path = directory.join(format!("{title}.pdf"));
    let file = std::fs::File::create(path).unwrap();
    let mut sheets = match Sheets::begin(file, job, font) {
        Ok(sheets) => sheets,
        Err(error) => return println!("{title}: {error}"),
    };
    println!("{title}: X-dimension {:.3} mm", sheets.x_dimension_mm());
    for number in 0..count {
        let serial = serial(number);
        let (address, element) = (format!("{DOMAIN}{serial}"), format!("(21){serial}"));
        let hidden = format!("{}-{}", &serial[..4], &serial[4..8]);
        let label = Label {
            address: &address,
            elements: &["(01)09529990000018", "(10)L2611", &element],
            hidden: job.hidden_caption.is_some().then_some(hidden.as_str()),
        };
        sheets.push(&label).unwrap();
    }
    sheets.finish().unwrap();
}

fn roll(width_mm: f32, height_mm: f32) -> Stock {
    let label = Size {
        width_mm,
        height_mm,
    };
    Stock::roll(Roll {
        label,
        dots_per_inch: Some(300),
    })
    .unwrap()
}

fn main() {
    let directory = std::env::args().nth(1).expect("a directory");
    let directory = Path::new(&directory);
    let font = Font::discover().unwrap();
    for (index, preset) in Preset::ALL.into_iter().enumerate() {
        let grid = Grid {
            cutting_marks: index % 2 == 1,
            ..preset.grid()
        };
        let stock = Stock::a4_grid(grid).unwrap();
        let count = stock.labels_per_page() as u64;
        write(
            directory,
            &format!("grid-{preset:?}"),
            &job(stock),
            &font,
            count,
        );
    }
    for (width, height) in [
        (60.0, 40.0),
        (50.0, 30.0),
        (40.0, 60.0),
        (40.0, 30.0),
        (100.0, 60.0),
    ] {
        let title = format!("roll-{width}x{height}");
        write(directory, &title, &job(roll(width, height)), &font, 1);
        let mut with_hidden = job(roll(width, height));
        with_hidden.hidden_caption = Some("刮开涂层查验".into());
        write(
            directory,
            &format!("{title}-hidden"),
            &with_hidden,
            &font,
            1,
        );
        let mut long = job(roll(width, height));
        long.name =
            "黑龙江省五常市民乐朝鲜族乡稻花香二号有机认证新米（真空包装，礼盒装）五千克".into();
        long.other_name = Some(
            "Certified organic Daohuaxiang No. 2 rice from Wuchang, vacuum packed, gift box".into(),
        );
        write(directory, &format!("{title}-long"), &long, &font, 1);
        let mut english = job(roll(width, height));
        english.name = "Wild mountain honey".into();
        english.other_name = None;
        english.lines = vec![
            Line::new("Lot", "L2611"),
            Line::new("Packed", "20 Nov 2026"),
            Line::new("Best before", "19 Nov 2027"),
        ];
        write(directory, &format!("{title}-english"), &english, &font, 1);
    }
}
