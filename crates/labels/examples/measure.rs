//! Measures a job of many labels: time, bytes and peak memory.
//!
//! `measure grid|roll COUNT [FILE]`

use std::io::Write;
use std::time::Instant;

use labels::{Font, Job, Label, Line, Preset, Roll, Sample, SampleElement, Sheets, Size, Stock};

const DOMAIN: &str = "https://trace.example.org/01/09529990000018/10/L2611/21/";

/// Counts what passes through it.
struct Counting<W>(W, u64);

impl<W: Write> Write for Counting<W> {
    fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
        let written = self.0.write(data)?;
        self.1 += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

/// Peak resident memory in kB, as the kernel tells it.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
        .unwrap_or(0)
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let count: u64 = arguments[2].parse().unwrap();
    let size = Size {
        width_mm: 60.0,
        height_mm: 40.0,
    };
    let roll = || {
        Stock::roll(Roll {
            label: size,
            dots_per_inch: Some(300),
        })
    };
    let grid = || Stock::a4_grid(Preset::ThreeByEight.grid());
    let stock = if arguments[1] == "roll" {
        roll()
    } else {
        grid()
    }
    .unwrap();
    let fixed = |text: &str| SampleElement::Fixed(text.into());
    let job = Job {
        stock,
        name: "五常稻花香有机大米".into(),
        other_name: Some("Wuchang Daohuaxiang organic rice".into()),
        lines: vec![
            Line::new("批号", "L2611"),
            Line::new("生产日期", "2026-11-20"),
        ],
        hidden_caption: Some("刮开涂层查验".into()),
        sample: Sample {
            address: format!("{DOMAIN}PKS8R0HW09ZYG1XJ"),
            elements: vec![
                fixed("(01)09529990000018"),
                fixed("(10)L2611"),
                SampleElement::Varying("(21)PKS8R0HW09ZYG1XJ".into()),
            ],
            hidden: None,
        },
    };
    let writer: Box<dyn Write> = match arguments.get(3) {
        Some(path) => Box::new(std::fs::File::create(path).unwrap()),
        None => Box::new(std::io::sink()),
    };
    let font = Font::discover().unwrap();
    let before = peak();
    let start = Instant::now();
    let mut sheets = Sheets::begin(Counting(writer, 0), &job, &font).unwrap();
    let begun = start.elapsed();
    let mut state = 1_u64;
    for _ in 0..count {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let pick = |at: u32| {
            char::from(
                b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"[(state.rotate_left(at * 5 + 7) % 32) as usize],
            )
        };
        let serial: String = (0..16).map(pick).collect();
        let (address, element) = (format!("{DOMAIN}{serial}"), format!("(21){serial}"));
        let label = Label {
            address: &address,
            elements: &["(01)09529990000018", "(10)L2611", &element],
            hidden: Some(&serial[..8]),
        };
        sheets.push(&label).unwrap();
    }
    let written = sheets.finish().unwrap().1;
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{} {count}: begin {begun:?}, all {seconds:.2} s, {:.0} labels/s, {written} bytes, {} a label, \
         peak {before} kB before, {} kB after",
        arguments[1],
        count as f64 / seconds,
        written / count,
        peak(),
    );
}
