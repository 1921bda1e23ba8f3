//! What we accept, readers by others accept too, and read the same from it.

use auditlog::checkpoint::Checkpoint;
use auditlog::json::{self, JsonFault};
use auditlog::note::SignedNote;

use crate::targets::{Answer, TARGETS, Target};
use crate::{corpus_of, explore, mutants};

fn target(name: &str) -> &'static Target {
    TARGETS.iter().find(|target| target.name == name).unwrap()
}

fn compare(name: &'static str, oracle: fn(&str) -> Answer) {
    let check = |input: &[u8]| std::str::from_utf8(input).map_or(Answer::Refused, oracle);
    let explored = explore(name, &corpus_of(target(name)), mutants(name), check);
    let counts = explored.unwrap_or_else(|failure| panic!("{failure}"));
    assert!(counts.accepted > 0, "{counts:?}");
}

#[test]
fn the_signed_note_crate_reads_every_note_that_we_read() {
    compare("note", |text| {
        let Ok(ours) = SignedNote::parse(text) else {
            return Answer::Refused;
        };
        let theirs = signed_note::Note::from_bytes(text.as_bytes()).expect("they read it too");
        assert_eq!(theirs.text(), ours.unverified_text().as_bytes());
        Answer::Accepted
    });
}

#[test]
fn the_tlog_tiles_crate_reads_every_checkpoint_that_we_read() {
    compare("checkpoint", |text| {
        let Ok(ours) = Checkpoint::parse(text) else {
            return Answer::Refused;
        };
        let theirs = tlog_tiles::Checkpoint::from_bytes(text.as_bytes()).expect("they read it too");
        assert_eq!(theirs.origin(), ours.origin);
        assert_eq!(theirs.size(), ours.head.size.0);
        assert_eq!(theirs.hash().0, ours.head.root.0);
        assert_eq!(theirs.extension(), "");
        Answer::Accepted
    });
}

#[test]
fn the_serde_json_crate_reads_what_we_read_and_we_refuse_more_only_for_a_reason() {
    compare("json", |text| {
        let theirs: Result<serde_json::Value, _> = serde_json::from_str(text);
        match (json::parse(text), theirs) {
            (Ok(ours), Ok(theirs)) => {
                let again: serde_json::Value = serde_json::from_str(&ours.to_compact()).unwrap();
                assert_eq!(again, theirs);
                Answer::Accepted
            }
            // A number that no double holds is a number all the same.
            (Ok(_), Err(error)) => {
                assert!(error.to_string().contains("number out of range"), "{error}");
                Answer::Accepted
            }
            (Err(error), Ok(_)) => {
                let no_meaning = matches!(
                    error.fault,
                    JsonFault::DuplicateKey(_) | JsonFault::NulCharacter | JsonFault::TooDeep
                );
                assert!(no_meaning, "{error}");
                Answer::Refused
            }
            (Err(_), Err(_)) => Answer::Refused,
        }
    });
}
