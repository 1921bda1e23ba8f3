use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::*;

/// Sections whose keys are looked up by a word of the data and so never stand in the sources.
const VOCABULARIES: &[&str] = &[
    "act",
    "bizStep",
    "check",
    "country",
    "disposition",
    "document",
    "eventType",
    "field",
    "linkType",
    "memberRole",
    "month",
    "official",
    "role",
    "roleDuty",
    "saved_list",
    "scope",
    "sensor",
    "unit",
    "withdrawn",
];

const CBV_BIZ_STEPS: &str = "accepting arriving assembling collecting commissioning \
    consigning creating_class_instance cycle_counting decommissioning departing destroying \
    disassembling dispensing encoding entering_exiting holding inspecting installing killing \
    loading other packing picking receiving removing repackaging repairing replacing \
    reserving retail_selling sampling sensor_reporting shipping staging_outbound \
    stock_taking stocking storing transporting unloading unpacking void_shipping";

const CBV_DISPOSITIONS: &str = "active available completeness_inferred \
    completeness_verified conformant container_closed container_open damaged destroyed \
    dispensed disposed encoded expired in_progress in_transit inactive mismatch_class \
    mismatch_instance mismatch_quantity needs_replacement no_pedigree_match non_conformant \
    non_sellable_other partially_dispensed recalled reserved retail_sold returned \
    sellable_accessible sellable_not_accessible stolen unavailable unknown";

fn zh() -> &'static Text {
    Text::of(Lang::ZhCn)
}

fn en() -> &'static Text {
    Text::of(Lang::En)
}

fn placeholders(sentence: &str) -> BTreeSet<&str> {
    sentence
        .split('{')
        .skip(1)
        .filter_map(|s| s.split_once('}'))
        .map(|(n, _)| n)
        .collect()
}

/// Every key named in the sources, with the call that names it.
fn keys_in_use() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut keys = BTreeSet::new();
    collect_keys(&root.join("templates"), &mut keys);
    collect_keys(&root.join("src"), &mut keys);
    keys
}

fn collect_keys(folder: &Path, keys: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("the folder is readable") {
        let path = entry.expect("the entry is readable").path();
        if path.is_dir() {
            collect_keys(&path, keys);
        } else if path.extension().is_some_and(|e| e == "rs" || e == "html")
            && !path.ends_with("text/tests.rs")
        {
            let source = fs::read_to_string(&path).expect("the source is UTF-8");
            let code = source.split("#[cfg(test)]").next().unwrap_or_default();
            let is_this_file = path.ends_with("web/text.rs");
            let named = if is_this_file {
                code.replace("self.", "text.")
            } else {
                code.into()
            };
            keys_named_in(&named, keys);
        }
    }
}

fn keys_named_in(code: &str, keys: &mut BTreeSet<String>) {
    // Comments name example keys; line breaks come wherever rustfmt puts them.
    let lines = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let packed: String = lines
        .flat_map(str::chars)
        .filter(|c| !c.is_whitespace())
        .collect();
    for (call, forms) in [
        ("text.get(\"", &[""][..]),
        ("text.with(\"", &[""]),
        ("text.with_one(\"", &[""]),
        ("text.with_two(\"", &[""]),
        ("text.count(\"", &[".one", ".other"]),
    ] {
        for rest in packed.split(call).skip(1) {
            let key = rest.split('"').next().unwrap_or_default();
            keys.extend(forms.iter().map(|form| format!("{key}{form}")));
        }
    }
}

#[test]
fn both_languages_have_exactly_the_same_keys() {
    let keys = |text: &Text| text.entries.keys().cloned().collect::<BTreeSet<_>>();
    let (zh, en) = (keys(zh()), keys(en()));
    let apart: Vec<_> = zh.symmetric_difference(&en).collect();
    assert!(apart.is_empty(), "in one language only: {apart:?}");
}

#[test]
fn both_languages_fill_the_same_placeholders_and_leave_nothing_empty() {
    for (key, sentence) in &zh().entries {
        // "1 entry" needs no number in English; the plural form proves the rest.
        if !key.ends_with(".one") {
            assert_eq!(placeholders(sentence), placeholders(en().get(key)), "{key}");
        }
        assert!(
            !sentence.trim().is_empty() && !en().get(key).trim().is_empty(),
            "{key}"
        );
    }
}

#[test]
fn every_key_named_in_the_sources_exists() {
    let missing: Vec<_> = keys_in_use()
        .into_iter()
        .filter(|key| zh().find(key).is_none())
        .collect();
    assert!(missing.is_empty(), "no text for {missing:?}");
}

#[test]
fn no_text_is_kept_that_nothing_uses() {
    let used = keys_in_use();
    let is_word = |key: &str| {
        VOCABULARIES
            .iter()
            .any(|v| key.split('.').next() == Some(v))
    };
    let idle: Vec<_> = zh()
        .entries
        .keys()
        .filter(|key| !is_word(key) && !used.contains(*key))
        .collect();
    assert!(idle.is_empty(), "never used: {idle:?}");
}

#[test]
fn scripts_use_every_text_that_is_theirs_and_no_other() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("static/js/page");
    let scripts: Vec<String> = fs::read_dir(folder)
        .expect("the folder is readable")
        .map(|entry| fs::read_to_string(entry.expect("an entry").path()).expect("UTF-8"))
        .collect();
    let script = scripts.concat();
    let keys: Vec<&str> = zh()
        .entries
        .keys()
        .filter_map(|key| {
            let of_list = || key.strip_prefix("saved_list.");
            key.strip_prefix("check.").or_else(of_list)
        })
        .collect();
    // Some are named by their parts: the stage that fails, and what became of the log.
    let is_used = |key: &&&str| {
        let part = key.strip_suffix("_fails").or(key.strip_prefix("memory_"));
        key.starts_with("kind_")
            || part.is_some_and(|part| script.contains(&format!("\"{part}\"")))
            || script.contains(&format!("texts.{key}"))
            || script.contains(&format!("\"{key}\""))
    };
    let idle: Vec<_> = keys.iter().filter(|key| !is_used(key)).collect();
    assert!(idle.is_empty(), "never used: {idle:?}");
    let named = script.split("texts.").skip(1);
    let missing: Vec<&str> = named
        .filter_map(|rest| {
            rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .next()
        })
        .filter(|name| !keys.contains(name))
        .collect();
    assert!(missing.is_empty(), "not in the texts: {missing:?}");
}

#[test]
fn a_call_broken_over_lines_is_still_found_and_a_comment_is_not() {
    let mut keys = BTreeSet::new();
    keys_named_in(
        "text\n    .with(\n \"a.b\", &[])\n// text.get(\"no.such\")",
        &mut keys,
    );
    assert_eq!(keys.into_iter().collect::<Vec<_>>(), ["a.b"]);
}

#[test]
fn every_word_of_the_core_business_vocabulary_is_named_in_both_languages() {
    for text in [zh(), en()] {
        for word in CBV_BIZ_STEPS.split_whitespace() {
            assert!(
                text.find(&format!("bizStep.{word}")).is_some(),
                "bizStep.{word}"
            );
        }
        for word in CBV_DISPOSITIONS.split_whitespace() {
            assert!(
                text.find(&format!("disposition.{word}")).is_some(),
                "disposition.{word}"
            );
        }
    }
}

#[test]
fn a_vocabulary_word_is_read_in_all_its_spellings() {
    for spelling in [
        "receiving",
        "cbv:BizStep-receiving",
        "https://ref.gs1.org/cbv/BizStep-receiving",
        "urn:epcglobal:cbv:bizstep:receiving",
    ] {
        assert_eq!(zh().term("bizStep", spelling), "收货");
    }
    assert_eq!(en().term("sensor", "gs1:Temperature"), "Temperature");
}

#[test]
fn a_merchants_own_step_reads_as_another_step() {
    assert_eq!(
        en().term("bizStep", "https://example.com/steps/aging"),
        "Other step"
    );
}

#[test]
fn a_sentence_is_filled_in_one_pass() {
    assert_eq!(
        fill("{a} and {b}", &[("a", "{b}"), ("b", "2")]),
        "{b} and 2"
    );
}

#[test]
#[should_panic(expected = "no text for")]
fn a_missing_key_cannot_be_overlooked() {
    zh().get("no.such.key");
}

#[test]
fn one_thing_and_many_things_are_worded_apart() {
    assert_eq!(en().count("journey.steps", 1, &[]), "1 step");
    assert_eq!(en().count("journey.steps", 1500, &[]), "1,500 steps");
    assert_eq!(zh().count("journey.steps", 15, &[]), "15 个环节");
}

#[test]
fn a_time_is_shown_on_the_clock_of_its_place() {
    let stamp = zh()
        .local_time("2026-06-11T19:40:12.345Z", "+12:00")
        .expect("well formed");
    assert_eq!(stamp.text, "2026年6月12日 07:40");
    assert_eq!(stamp.machine, "2026-06-12T07:40:12+12:00");
    assert_eq!(stamp.zone, "UTC+12");
    let stamp = en()
        .local_time("2026-06-12T07:40:00+12:00", "+12:00")
        .expect("well formed");
    assert_eq!(stamp.text, "12 June 2026, 07:40");
}

#[test]
fn offsets_of_half_hours_and_to_the_west_are_named() {
    let zone = |offset| {
        en().local_time("2026-06-12T00:00:00Z", offset)
            .map(|t| t.zone)
    };
    assert_eq!(zone("+09:30").as_deref(), Some("UTC+9:30"));
    assert_eq!(zone("-03:30").as_deref(), Some("UTC\u{2212}3:30"));
    assert_eq!(zone("-00:30").as_deref(), Some("UTC\u{2212}0:30"));
    assert_eq!(zone("+00:00").as_deref(), Some("UTC"));
}

#[test]
fn a_malformed_time_or_offset_is_refused() {
    for (time, offset) in [
        ("2026-06-12", "+12:00"),
        ("2026-02-30T00:00:00Z", "+12:00"),
        ("2026-06-12T00:00:00Z", "12:00"),
        ("2026-06-12T00:00:00Z", "+14:30"),
        ("2026-06-12T00:00:00Z", "+1:00"),
        ("2026-06-12T00:00:00Z", "+1２:00"),
        ("2026-06-12T00:00:00Z", ""),
        ("9999-12-31T23:59:59Z", "+14:00"),
    ] {
        assert_eq!(en().local_time(time, offset), None, "{time} {offset}");
    }
    assert_eq!(en().date("2026-13-01"), None);
}

#[test]
fn numbers_are_grouped_and_keep_the_digits_they_were_recorded_with() {
    assert_eq!(en().decimal("1234567.50"), "1,234,567.50");
    assert_eq!(en().decimal("-0.5"), "\u{2212}0.5");
    assert_eq!(en().decimal("1e3"), "1e3");
    assert_eq!(en().decimal("12."), "12.");
    assert_eq!(zh().amount("12000", Some("KGM")), "12,000 千克");
    assert_eq!(en().amount("6", None), "× 6");
    assert_eq!(en().amount("6", Some("ZZ")), "6 ZZ");
}
