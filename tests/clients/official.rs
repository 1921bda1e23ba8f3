//! schemathesis again, from the OpenAPI file of GS1 itself: `make conformance EPCIS_OPENAPI=file`.
//!
//! The file is in no registry of packages and none that is fetched is kept here, so that `make test` has a
//! description of our own in its place, `standard.rs`. Whoever has the file finds here what is wrong in it:
//! `official.json` lists each mend of the copy that schemathesis reads, and why.

#[path = "../support/installed.rs"]
mod installed;
mod judge;
mod programs;
#[path = "../support/mod.rs"]
mod support;

use serde_json::Value;

use judge::{judged, operations, seeded};

const MENDS: &str = include_str!("official.json");

/// The places of a document that a JSON Pointer means, in which `*` stands for every member.
fn places<'a>(document: &'a mut Value, pointer: &str) -> Vec<&'a mut Value> {
    let Some(rest) = pointer.strip_prefix('/') else {
        return vec![document];
    };
    let (name, rest) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let name = name.replace("~1", "/").replace("~0", "~");
    match document {
        Value::Object(members) => members
            .iter_mut()
            .filter(|(member, _)| name == "*" || **member == name)
            .flat_map(|(_, value)| places(value, rest))
            .collect(),
        Value::Array(items) => {
            let item = name.parse().ok().and_then(|at: usize| items.get_mut(at));
            item.map_or_else(Vec::new, |item| places(item, rest))
        }
        _ => Vec::new(),
    }
}

/// Does one mend at one place it names. There must be something to mend: of another version of the file the
/// list must be read again.
fn mend(document: &mut Value, pointer: &str, mend: &Value) {
    let mut is_mended = false;
    for place in places(document, pointer) {
        let before = place.clone();
        if let Some(value) = mend.get("set") {
            place.clone_from(value);
        }
        for name in mend["remove"].as_array().into_iter().flatten() {
            place
                .as_object_mut()
                .unwrap()
                .remove(name.as_str().unwrap());
        }
        for (name, value) in mend["add"].as_object().into_iter().flatten() {
            let members = place.as_object_mut().unwrap();
            members.entry(name).or_insert_with(|| value.clone());
        }
        is_mended |= *place != before;
    }
    assert!(is_mended, "{pointer} is not wrong: {mend}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_schemathesis_makes_up_gets_an_answer_that_the_file_of_gs1_lacks() {
    let file = std::env::var_os("EPCIS_OPENAPI").expect("EPCIS_OPENAPI names the file of GS1");
    let file = std::fs::read_to_string(file).expect("the file of GS1 is there");
    let mut described: Value = serde_json::from_str(&file).expect("it is JSON");
    let mends: Vec<Value> = serde_json::from_str(MENDS).unwrap();
    for each in &mends {
        for pointer in each["at"].as_array().unwrap() {
            mend(&mut described, pointer.as_str().unwrap(), each);
        }
    }
    let app = seeded().await;
    let verdict = judged(&app, &described, "/epcis").await;
    verdict.assert_complete(operations(&described));
    verdict.assert_clean();
}
