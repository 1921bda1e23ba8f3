//! The contrasts that docs/design-language.md states are those of the tokens.

use std::collections::BTreeMap;

use crate::read;

/// What a text needs (WCAG 2.2, 1.4.3).
const LEAST: f64 = 4.5;

/// The colours of a style sheet by their names, by day and in the dark.
fn colours(css: &str) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
    let (day, dark) = css
        .split_once("@media (prefers-color-scheme: dark)")
        .expect("colours for the dark");
    let of = |css: &str| -> BTreeMap<String, String> {
        let tokens = css.split(';').filter_map(|rule| {
            let (name, value) = rule.rsplit_once("--")?.1.split_once(':')?;
            let value = value.trim();
            value
                .starts_with('#')
                .then(|| (name.trim().to_owned(), value.to_owned()))
        });
        tokens.collect()
    };
    let day = of(day);
    let mut all = day.clone();
    all.extend(of(dark));
    (day, all)
}

/// Relative luminance of `#rgb` or `#rrggbb` (WCAG 2.2).
fn luminance(colour: &str) -> f64 {
    let digits = colour.trim_start_matches('#');
    let digits: String = match digits.len() {
        3 => digits.chars().flat_map(|digit| [digit, digit]).collect(),
        _ => digits.to_owned(),
    };
    let channel = |at: usize| {
        let value = u8::from_str_radix(&digits[at..at + 2], 16).expect("a colour");
        let value = f64::from(value) / 255.0;
        match value <= 0.04045 {
            true => value / 12.92,
            false => ((value + 0.055) / 1.055).powf(2.4),
        }
    };
    0.2126 * channel(0) + 0.7152 * channel(2) + 0.0722 * channel(4)
}

fn contrast(a: &str, b: &str) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// What of a table of contrasts is not so; `| `ink` | `paper` | 16.7 | 14.5 |` is a row.
fn wrong(table: &str, css: &str) -> Vec<String> {
    let (day, dark) = colours(css);
    let mut wrong = Vec::new();
    for row in table.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row
            .split('|')
            .map(|cell| cell.trim().trim_matches('`'))
            .collect();
        let [_, text, ground, by_day, in_dark, _] = cells.as_slice() else {
            continue;
        };
        for (colours, stated) in [(&day, by_day), (&dark, in_dark)] {
            let found = contrast(&colours[*text], &colours[*ground]);
            if format!("{found:.1}") != **stated || found < LEAST {
                wrong.push(format!("{text} on {ground}: {found:.1}, not {stated}"));
            }
        }
    }
    wrong
}

#[test]
fn contrasts_are_as_stated_and_enough() {
    let document = read("docs/design-language.md");
    let (_, colours) = document.split_once("## Colour").expect("a chapter");
    let (colours, _) = colours.split_once("\n## ").expect("another");
    assert!(colours.matches("| `").count() >= 15);
    assert_eq!(wrong(colours, &read("static/css/tokens.css")), [""; 0]);
}

#[test]
fn a_contrast_that_is_not_so_is_noticed() {
    let css = ":root { --ink: #000; --paper: #fff; }\n@media (prefers-color-scheme: dark) { :root { --ink: #777; --paper: #111213; } }";
    assert_eq!(
        wrong("| `ink` | `paper` | 21.0 | 4.2 |", css).len(),
        1,
        "too little"
    );
    assert_eq!(wrong("| `ink` | `paper` | 20.9 | 4.2 |", css).len(), 2);
    assert!((contrast("#000", "#ffffff") - 21.0).abs() < 1e-9);
}
