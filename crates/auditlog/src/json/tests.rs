//! JSON, its borders and its hostile forms.

use super::*;
use proptest::prelude::*;

fn fault(text: &str) -> JsonFault {
    parse(text).expect_err(text).fault
}

#[test]
fn numbers_come_out_as_they_went_in() {
    for text in [
        "1.0",
        "1e3",
        "-0",
        "0.10",
        "1E+2",
        "12345678901234567890",
        "9007199254740993",
    ] {
        assert_eq!(parse(text).unwrap().to_compact(), text);
    }
}

#[test]
fn numbers_that_json_does_not_have_are_refused() {
    for text in [
        "01", "1.", ".5", "+1", "-", "1e", "1e+", "--1", "1.e3", "0x10", "NaN", "1_0",
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_repeated_key_is_refused_in_small_and_large_objects() {
    assert_eq!(
        fault(r#"{"a":1,"\u0061":2}"#),
        JsonFault::DuplicateKey("a".into())
    );
    let mut large = String::from("{");
    for i in 0..40 {
        large.push_str(&format!("\"k{i}\":0,"));
    }
    assert!(parse(&format!("{large}\"k40\":0}}")).is_ok());
    assert_eq!(
        fault(&format!("{large}\"k3\":0}}")),
        JsonFault::DuplicateKey("k3".into())
    );
    assert_eq!(
        fault(&format!("{large}\"k39\":0}}")),
        JsonFault::DuplicateKey("k39".into())
    );
}

#[test]
fn text_without_one_meaning_is_refused() {
    assert_eq!(fault(r#""\u0000""#), JsonFault::NulCharacter);
    assert_eq!(fault("\"\u{0}\""), JsonFault::ControlCharacter);
    assert_eq!(fault(r#""\ud800""#), JsonFault::UnpairedSurrogate);
    assert_eq!(fault(r#""\udc00\ud800""#), JsonFault::UnpairedSurrogate);
    assert_eq!(fault(r#""\ud800\u0041""#), JsonFault::UnpairedSurrogate);
    assert_eq!(
        parse(r#""\ud83d\ude00""#).unwrap(),
        Value::String("😀".into())
    );
}

#[test]
fn nesting_is_allowed_to_the_limit_and_not_beyond() {
    let nest = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    assert!(parse(&nest(MAX_DEPTH)).is_ok());
    assert_eq!(fault(&nest(MAX_DEPTH + 1)), JsonFault::TooDeep);
    assert_eq!(fault(&"[".repeat(100_000)), JsonFault::TooDeep);
}

#[test]
fn strings_are_written_as_rfc_8785_writes_them() {
    let text = "€$\u{f}\u{a}A'B\"\\\\\"/\u{7f}";
    let mut out = String::new();
    write_string(text, &mut out);
    assert_eq!(out, "\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\u{7f}\"");
}

#[test]
fn a_fault_is_found_where_it_is() {
    assert_eq!(parse("[1, x]").unwrap_err().offset, 4);
    assert_eq!(parse("[1] 2").unwrap_err().fault, JsonFault::TrailingText);
    assert_eq!(parse("[1").unwrap_err().fault, JsonFault::UnexpectedEnd);
}

fn arbitrary_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        "[^\u{0}]{0,8}".prop_map(serde_json::Value::String),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::Array),
            prop::collection::btree_map("[^\u{0}]{0,6}", inner, 0..6)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn a_value_reads_as_serde_json_reads_it(value in arbitrary_json()) {
        let text = serde_json::to_string_pretty(&value).unwrap();
        let compact = parse(&text).unwrap().to_compact();
        prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&compact).unwrap(), value);
        prop_assert_eq!(parse(&compact).unwrap().to_compact(), compact);
    }

    #[test]
    fn junk_never_panics_and_is_never_accepted_alone(text in r#"[\[\]{}:,"\\u0-9eE+.\-a-f \n]{0,24}"#) {
        if parse(&text).is_ok() {
            prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
        }
    }
}
