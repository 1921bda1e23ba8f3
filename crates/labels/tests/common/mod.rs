//! What the tests share: jobs, labels, and what other programs see in a PDF.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use labels::{
    Font, Job, Label, Line, Roll, Sample, SampleElement, Sheets, SheetsError, Size, Stock,
};

pub const DOMAIN: &str = "https://trace.example.org/01/09529990000018/10/L2611/21/";

/// A serial number of 16 capitals and digits that differs with `number`.
pub fn serial(number: u64) -> String {
    let mut state = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut pick = |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        char::from(b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"[(state >> 59) as usize])
    };
    (0..16).map(&mut pick).collect()
}

pub fn fixed(text: &str) -> SampleElement {
    SampleElement::Fixed(text.into())
}

pub fn varying(text: &str) -> SampleElement {
    SampleElement::Varying(text.into())
}

pub fn rice(stock: Stock) -> Job {
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
                fixed("(01)09529990000018"),
                fixed("(10)L2611"),
                varying("(21)PKS8R0HW09ZYG1XJ"),
            ],
            hidden: None,
        },
    }
}

pub fn roll(width_mm: f32, height_mm: f32) -> Stock {
    let label = Size {
        width_mm,
        height_mm,
    };
    Stock::roll(Roll {
        label,
        dots_per_inch: None,
    })
    .unwrap()
}

/// Pushes the label with the serial number of `number`.
pub fn push<W: std::io::Write>(
    sheets: &mut Sheets<W>,
    job: &Job,
    number: u64,
) -> Result<(), SheetsError> {
    let serial = serial(number);
    let hidden = format!("{}-{}", &serial[..4], &serial[4..8]);
    sheets.push(&Label {
        address: &format!("{DOMAIN}{serial}"),
        elements: &["(01)09529990000018", "(10)L2611", &format!("(21){serial}")],
        hidden: job.hidden_caption.is_some().then_some(hidden.as_str()),
    })
}

/// The bytes of a job with `count` labels.
pub fn pdf(job: &Job, font: &Font, count: u64) -> Vec<u8> {
    let mut sheets = Sheets::begin(Vec::new(), job, font).unwrap();
    for number in 0..count {
        push(&mut sheets, job, number).unwrap();
    }
    sheets.finish().unwrap()
}

/// A file in the directory of test outputs, removed when dropped.
pub struct Temporary(pub PathBuf);

impl Temporary {
    pub fn new(data: &[u8]) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("labels-{}-{count}.pdf", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::write(&path, data).unwrap();
        Self(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Runs a program on a PDF and gives what it writes to standard output.
pub fn run(program: &str, before: &[&str], pdf: &Path, after: &[&str]) -> Vec<u8> {
    let output = Command::new(program)
        .args(before)
        .arg(pdf)
        .args(after)
        .output();
    let output =
        output.unwrap_or_else(|error| panic!("{program} is needed for this test: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {errors}");
    output.stdout
}

/// The text of a PDF in reading order.
pub fn text(pdf: &[u8]) -> String {
    let file = Temporary::new(pdf);
    String::from_utf8(run(
        "pdftotext",
        &["-raw", "-enc", "UTF-8"],
        &file.0,
        &["-"],
    ))
    .unwrap()
}

/// Fails if qpdf finds a fault; it ends with 3 for a warning and with 2 for an error.
pub fn check(pdf: &[u8]) {
    let file = Temporary::new(pdf);
    run("qpdf", &["--check"], &file.0, &[]);
}

pub fn page_count(pdf: &[u8]) -> usize {
    let file = Temporary::new(pdf);
    let count = run("qpdf", &["--show-npages"], &file.0, &[]);
    String::from_utf8(count).unwrap().trim().parse().unwrap()
}

/// A page as a printer would see it: one byte of grey a pixel.
pub struct Picture {
    pub width: usize,
    pub height: usize,
    pixels: Vec<u8>,
    dots_per_mm: f32,
}

impl Picture {
    /// Renders a page, counted from 1.
    pub fn of(pdf: &[u8], page: usize, dpi: u16) -> Self {
        let file = Temporary::new(pdf);
        let (page, resolution) = (page.to_string(), dpi.to_string());
        let arguments = ["-gray", "-r", &resolution, "-f", &page, "-l", &page];
        let pgm = run("pdftoppm", &arguments, &file.0, &[]);
        let fields: Vec<&[u8]> = pgm.splitn(4, |b| b.is_ascii_whitespace()).collect();
        let number = |field: &[u8]| {
            std::str::from_utf8(field)
                .unwrap()
                .parse::<usize>()
                .unwrap()
        };
        assert_eq!(fields[0], b"P5");
        let (width, height) = (number(fields[1]), number(fields[2]));
        let pixels = pgm[pgm.len() - width * height..].to_vec();
        Self {
            width,
            height,
            pixels,
            dots_per_mm: f32::from(dpi) / 25.4,
        }
    }

    pub fn dots(&self, mm: f32) -> f32 {
        mm * self.dots_per_mm
    }

    pub fn mm(&self, dots: f32) -> f32 {
        dots / self.dots_per_mm
    }

    /// The part of a label, from its place in mm; a pixel that is cut by the edge belongs to it.
    pub fn part(&self, (x, y): (f32, f32), size: Size) -> Self {
        let (left, top) = (self.dots(x).floor() as usize, self.dots(y).floor() as usize);
        let right = (self.dots(x + size.width_mm).ceil() as usize).min(self.width);
        let bottom = (self.dots(y + size.height_mm).ceil() as usize).min(self.height);
        let rows =
            (top..bottom).map(|y| &self.pixels[y * self.width + left..y * self.width + right]);
        Self {
            width: right - left,
            height: bottom - top,
            pixels: rows.flatten().copied().collect(),
            dots_per_mm: self.dots_per_mm,
        }
    }

    fn pixel(&self, x: usize, y: usize) -> u8 {
        self.pixels[y * self.width + x]
    }

    /// Whether no pixel of a rectangle, given in pixels, has any ink.
    pub fn is_blank(&self, left: f32, top: f32, right: f32, bottom: f32) -> bool {
        let columns = left.max(0.0) as usize..(right.max(0.0) as usize).min(self.width);
        let mut rows = top.max(0.0) as usize..(bottom.max(0.0) as usize).min(self.height);
        rows.all(|y| columns.clone().all(|x| self.pixel(x, y) > 250))
    }

    /// Whether a border of `mm` all around is blank.
    pub fn has_blank_border(&self, mm: f32) -> bool {
        let (width, height, border) =
            (self.width as f32, self.height as f32, self.dots(mm).floor());
        self.is_blank(0.0, 0.0, width, border)
            && self.is_blank(0.0, height - border, width, height)
            && self.is_blank(0.0, 0.0, border, height)
            && self.is_blank(width - border, 0.0, width, height)
    }

    /// The codes in the picture; what merely looks like one, as some ideographs do, is left out.
    pub fn codes(&self) -> Vec<Code> {
        let mut image =
            rqrr::PreparedImage::prepare_from_greyscale(self.width, self.height, |x, y| {
                self.pixel(x, y)
            });
        let grids = image.detect_grids();
        let read = |grid: &rqrr::Grid<_>| {
            let (meta, content) = grid.decode().ok()?;
            let modules = meta.version.0 * 4 + 17;
            let corners = grid.bounds.map(|point| (point.x as f32, point.y as f32));
            Some(Code {
                content,
                modules,
                level: meta.ecc_level,
                corners,
            })
        };
        grids.iter().filter_map(read).collect()
    }

    /// Left, top, right and bottom of the ink of a code. The reader's own bounds are estimates, and
    /// ink within two modules of them that is not of the code would make a difference.
    pub fn exact(&self, code: &Code) -> (f32, f32, f32, f32) {
        let (left, top, right, bottom) = code.bounds();
        let module = (right - left) / code.modules as f32;
        let from = |edge: f32| (edge - 2.0 * module).max(0.0) as usize;
        let to = |edge: f32, end: usize| ((edge + 2.0 * module) as usize).min(end);
        let (columns, rows) = (
            from(left)..to(right, self.width),
            from(top)..to(bottom, self.height),
        );
        let inked = |x: usize, y: usize| self.pixel(x, y) < 128;
        let xs = || {
            columns
                .clone()
                .filter(|x| rows.clone().any(|y| inked(*x, y)))
        };
        let ys = || {
            rows.clone()
                .filter(|y| columns.clone().any(|x| inked(x, *y)))
        };
        let exact = (
            xs().next().unwrap() as f32,
            ys().next().unwrap() as f32,
            xs().next_back().unwrap() as f32 + 1.0,
            ys().next_back().unwrap() as f32 + 1.0,
        );
        let differs = |a: f32, b: f32| (a - b).abs() > module;
        let all = [
            differs(exact.0, left),
            differs(exact.1, top),
            differs(exact.2, right),
            differs(exact.3, bottom),
        ];
        assert_eq!(
            all, [false; 4],
            "nothing stands at the code: {exact:?}, read as {:?}",
            code.corners
        );
        exact
    }

    /// The only code in the picture, whose quiet zone must be blank and whose X-dimension must be
    /// what is asked for at retail.
    pub fn only_code(&self) -> Code {
        let mut codes = self.codes();
        assert_eq!(codes.len(), 1, "a label has one code");
        let code = codes.remove(0);
        let (left, top, right, bottom) = self.exact(&code);
        let x_dimension = (right - left) / code.modules as f32;
        let tolerance = 1.0 / code.modules as f32;
        assert!(
            x_dimension + tolerance >= self.dots(0.396),
            "{} mm",
            self.mm(x_dimension)
        );
        // The edges of the code may run through pixels, so one pixel is left out.
        let quiet = (4.0 * x_dimension - 1.0).floor();
        assert!(
            left >= quiet && top >= quiet,
            "the quiet zone lies on the label"
        );
        assert!(right + quiet <= self.width as f32 && bottom + quiet <= self.height as f32);
        assert!(self.is_blank(left - quiet, top - quiet, right + quiet, top - 1.0));
        assert!(self.is_blank(left - quiet, bottom + 1.0, right + quiet, bottom + quiet));
        assert!(self.is_blank(left - quiet, top - quiet, left - 1.0, bottom + quiet));
        assert!(self.is_blank(right + 1.0, top - quiet, right + quiet, bottom + quiet));
        code
    }
}

/// A code that was read.
pub struct Code {
    pub content: String,
    pub modules: usize,
    /// 0 is level M in the format information (ISO/IEC 18004, table 12).
    pub level: u16,
    corners: [(f32, f32); 4],
}

impl Code {
    pub fn bounds(&self) -> (f32, f32, f32, f32) {
        let xs = self.corners.map(|corner| corner.0);
        let ys = self.corners.map(|corner| corner.1);
        let least = |values: [f32; 4]| values.into_iter().fold(f32::INFINITY, f32::min);
        let most = |values: [f32; 4]| values.into_iter().fold(0.0, f32::max);
        let (left, top) = (least(xs), least(ys));
        // The reader puts its lower right corners one module outside the code.
        let share = self.modules as f32 / (self.modules + 1) as f32;
        let right = left + (most(xs) - left) * share;
        (left, top, right, top + (most(ys) - top) * share)
    }
}
