//! Labels of issued codes: what a scanner reads of the printed page opens the page of the code.

use std::path::Path;
use std::process::Command;

use rqrr::PreparedImage;

use crate::support::command::rootmark;
use crate::support::{GTIN, TestApp};

/// The codes on a page of a PDF, counted from 1, as a scanner reads them from paper, which is held over one label of 70 by
/// 37 mm after the other.
fn scanned(pdf: &Path, page: u32) -> Vec<String> {
    const DPI: f64 = 300.0;
    let (page, resolution) = (page.to_string(), DPI.to_string());
    let arguments = ["-gray", "-r", &resolution, "-f", &page, "-l", &page];
    let output = Command::new("pdftoppm").args(arguments).arg(pdf).output();
    let output = output.unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut fields = output.stdout.splitn(4, |byte| byte.is_ascii_whitespace());
    let mut number = || {
        let field = std::str::from_utf8(fields.next().unwrap()).unwrap();
        field.parse::<usize>().ok()
    };
    let (_, width, height) = (number(), number().unwrap(), number().unwrap());
    let pixels = &output.stdout[output.stdout.len() - width * height..];
    let dots = |mm: f64| (mm / 25.4 * DPI) as usize;
    let (wide, high) = (dots(70.0), dots(37.0));
    let labels = (0..24).map(|n| (n % 3 * wide, dots(0.5) + n / 3 * high));
    labels
        .filter_map(|(left, top)| {
            let pixel = |x, y| pixels[(top + y) * width + left + x];
            let mut image = PreparedImage::prepare_from_greyscale(wide, high, pixel);
            let grids = image.detect_grids();
            grids.first().map(|grid| grid.decode().unwrap().1)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_label_of_an_order_is_scanned_from_the_page_and_opens_its_code() {
    let app = TestApp::start().await;
    app.issue("OTHER", 7).await;
    let order = format!(r#"{{"gtin":"{GTIN}","lot":"L2611","quantity":30,"hidden":true}}"#);
    assert_eq!(app.post("/api/code-ranges", order).await.status(), 201);
    let out = app.data_dir.path().join("labels.pdf");
    let path = out.to_str().unwrap();
    let arguments = [
        "codes",
        "labels",
        "--gtin",
        GTIN,
        "--first",
        "7",
        "--name",
        "云雀原婴儿配方奶粉 1 段",
    ];
    let more = [
        "--other-name",
        "Larkmere Infant Formula",
        "--line",
        "批号=L2611",
        "--line",
        "保质期至=2028-05-20",
    ];
    let all: Vec<&str> = arguments
        .into_iter()
        .chain(more)
        .chain(["--out", path])
        .collect();
    let said = rootmark(&app, &all).await;
    assert_eq!(said.code, 0, "{said:?}");

    let mut found = [scanned(&out, 1), scanned(&out, 2)];
    assert_eq!(found.each_ref().map(Vec::len), [24, 6]);
    let listed = app
        .http
        .get(app.url(&format!("/api/code-ranges/{GTIN}/7/codes")));
    let listed = listed
        .bearer_auth(&app.key)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let mut expected: Vec<&str> = listed
        .lines()
        .map(|line| line.split_once(',').unwrap().0)
        .collect();
    let host = |address: &str| address.split_once("/01/").unwrap().1.to_owned();
    let mut scanned: Vec<String> = found.iter_mut().flatten().map(|code| host(code)).collect();
    let mut expected: Vec<String> = expected.drain(..).map(host).collect();
    scanned.sort();
    expected.sort();
    assert_eq!(scanned, expected, "each once");
    let page = app.get(&format!("/01/{}", scanned[17])).await;
    assert_eq!(page.status(), 200);

    let text = Command::new("pdftotext")
        .args([path, "-"])
        .output()
        .unwrap();
    let text = String::from_utf8(text.stdout).unwrap();
    for part in [
        "云雀原婴儿配方奶粉 1 段",
        "Larkmere Infant Formula",
        "2028-05-20",
        &format!("(01){GTIN}"),
        "(10)L2611",
    ] {
        assert!(text.contains(part), "{part}");
    }
    let hidden = listed.lines().next().unwrap().split_once(',').unwrap().1;
    assert!(
        text.contains(hidden),
        "the hidden code stands beside its own"
    );

    let again = rootmark(&app, &all).await;
    assert_eq!(again.code, 2, "a file that is there is not written over");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_that_cannot_be_printed_leave_no_file() {
    let app = TestApp::start().await;
    app.issue("L1", 3).await;
    let out = app.data_dir.path().join("labels.pdf");
    let path = out.to_str().unwrap();
    let base = ["codes", "labels", "--gtin", GTIN, "--out", path];
    for (more, code, words) in [
        (
            &["--first", "1", "--name", "奶粉"][..],
            1,
            "no order of codes",
        ),
        (&["--first", "0", "--name", "奶粉\u{202E}"], 2, "U+202E"),
        (
            &["--first", "0", "--name", "奶粉", "--stock", "roll:10x10"],
            2,
            "label",
        ),
        (
            &["--first", "0", "--name", "奶粉", "--stock", "9x9"],
            2,
            "must be 2x4",
        ),
        (
            &["--first", "0", "--name", "奶粉", "--line", "L1"],
            2,
            "CAPTION=VALUE",
        ),
        (
            &["--first", "0", "--name", "奶粉", "--font", "/none.ttf"],
            2,
            "--font",
        ),
    ] {
        let all: Vec<&str> = base.iter().chain(more).copied().collect();
        let said = rootmark(&app, &all).await;
        assert_eq!(said.code, code, "{said:?}");
        assert!(
            said.out.contains(words) || said.err.contains(words),
            "{words}: {said:?}"
        );
        assert!(!out.exists(), "{more:?}");
    }
    app.stop().await;
}
