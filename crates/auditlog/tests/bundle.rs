//! Bundles: a whole one verifies, and whatever is changed in it is named.

mod support;

use auditlog::bundle::{Bundle, BundleError, KeysFrom, StatementFault, StoryFault, Trust, verify};
use auditlog::disclosure::Node;
use auditlog::hash::{Hash, LeafIndex};
use support::{Sample, sample};

fn error(sample: &Sample, bundle: &Bundle) -> BundleError {
    sample
        .verify(&bundle.format())
        .expect_err("a changed bundle was accepted")
}

#[test]
fn a_whole_bundle_verifies_and_says_what_it_shows() {
    let sample = sample();
    let verified = sample.verify(&sample.bundle.format()).unwrap();
    assert_eq!(verified.keys, KeysFrom::Verifier);
    assert!(verified.anchored);
    assert_eq!(verified.size.0, sample.tree_size);
    assert_eq!(verified.statements.len(), 4);
    let event = &verified.statements[0];
    assert_eq!(event.kind, "event");
    assert_eq!(event.content.value("/body/demo:reading"), Some("1.0"));
    assert_eq!(event.content.value("/body/epcList/1"), None);
    assert!(verified.withheld() > 0);
    assert!(verified.statements[3].signer.is_some());
}

#[test]
fn without_trusted_keys_a_bundle_is_only_consistent() {
    let sample = sample();
    let text = sample.bundle.format();
    let verified = verify(text.as_bytes(), &Trust::default()).unwrap();
    assert_eq!(verified.keys, KeysFrom::Bundle);
    assert!(!verified.anchored);
    let trust = Trust {
        log: Some(&sample.log_key),
        ..Trust::default()
    };
    assert_eq!(
        verify(text.as_bytes(), &trust).unwrap().keys,
        KeysFrom::Bundle
    );
}

#[test]
fn every_flipped_bit_of_every_byte_is_refused() {
    let sample = sample();
    let bytes = sample.bundle.format().into_bytes();
    for i in 0..bytes.len() {
        // One bit a byte, each in its turn, so that the test stays short.
        let mut changed = bytes.clone();
        changed[i] ^= 1 << (i % 8);
        assert!(
            verify(&changed, &sample.trust()).is_err(),
            "byte {i} of …{}…",
            String::from_utf8_lossy(&bytes[i.saturating_sub(20)..(i + 20).min(bytes.len())])
        );
    }
}

#[test]
fn without_the_anchor_file_only_what_it_alone_shows_goes_unseen() {
    let sample = sample();
    let bytes = sample.bundle.format().into_bytes();
    let anchor_at = find(&bytes, b"\"anchor\":\"{") + "\"anchor\":\"".len();
    let checkpoint_at = find(&bytes, b"\\\"checkpoint\\\":");
    let trust = Trust {
        anchors: None,
        ..sample.trust()
    };
    for i in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[i] ^= 1;
        if verify(&changed, &trust).is_ok() {
            assert!((anchor_at..checkpoint_at).contains(&i), "byte {i}");
            let refused = verify(&changed, &sample.trust());
            assert_eq!(refused, Err(BundleError::NotAnchored), "byte {i}");
        }
    }
}

fn find(bytes: &[u8], needle: &[u8]) -> usize {
    bytes
        .windows(needle.len())
        .position(|window| window == needle)
        .unwrap()
}

#[test]
fn a_statement_dropped_swapped_moved_or_repeated_is_named() {
    let sample = sample();
    for i in 0..sample.bundle.statements.len() {
        let mut changed = sample.bundle.clone();
        changed.statements.remove(i);
        assert_eq!(
            error(&sample, &changed),
            BundleError::Story(StoryFault::Indexes)
        );

        let mut changed = sample.bundle.clone();
        let again = changed.statements[i].clone();
        changed.statements.insert(i, again);
        assert_eq!(
            error(&sample, &changed),
            BundleError::Story(StoryFault::Indexes)
        );

        let mut changed = sample.bundle.clone();
        changed.statements[i].index = LeafIndex(changed.statements[i].index.0 + 1);
        assert_eq!(
            error(&sample, &changed),
            BundleError::Story(StoryFault::Indexes)
        );

        let next = (i + 1) % sample.bundle.statements.len();
        let mut changed = sample.bundle.clone();
        changed.statements.swap(i, next);
        assert_eq!(
            error(&sample, &changed),
            BundleError::Story(StoryFault::Indexes)
        );

        // Swapped, with the indexes left in order: the content is in the wrong place.
        let mut changed = sample.bundle.clone();
        changed.statements.swap(i, next);
        let (a, b) = (changed.statements[i].index, changed.statements[next].index);
        changed.statements[i].index = b;
        changed.statements[next].index = a;
        assert!(matches!(
            error(&sample, &changed),
            BundleError::Statement {
                fault: StatementFault::Path(_),
                ..
            }
        ));
    }
}

#[test]
fn a_path_lengthened_shortened_or_changed_is_named() {
    let sample = sample();
    for i in 0..sample.bundle.statements.len() {
        let changes: [fn(&mut Vec<Hash>); 3] = [
            |path| path.push(Hash([0; 32])),
            |path| {
                path.pop();
            },
            |path| path[0].0[0] ^= 1,
        ];
        for change in changes {
            let mut changed = sample.bundle.clone();
            change(&mut changed.statements[i].path);
            match error(&sample, &changed) {
                BundleError::Statement {
                    position,
                    fault: StatementFault::Path(_),
                } => {
                    assert_eq!(position, i);
                }
                other => panic!("{other}"),
            }
        }
    }
}

#[test]
fn another_spelling_an_extra_or_a_moved_member_is_named() {
    let sample = sample();
    let text = sample.bundle.format();
    let refused = |changed: String| {
        assert_ne!(changed, text);
        sample.verify(&changed).unwrap_err()
    };
    assert!(matches!(
        refused(format!("{text}\n")),
        BundleError::Spelling(_)
    ));
    assert!(matches!(
        refused(text.replace("{\"format\":", "{ \"format\":")),
        BundleError::Spelling(1)
    ));
    assert!(matches!(
        refused(text.replace("\"p\":\"/", "\"p\":\"\\/")),
        BundleError::Spelling(_)
    ));
    let extra = text.replace("\"log\":{", "\"log\":{\"x\":1,");
    assert_eq!(
        refused(extra).to_string(),
        "/log: the member \"origin\" must stand here"
    );
    let extra = text.replace("]}]}", "]}],\"x\":1}");
    assert_eq!(
        refused(extra).to_string(),
        ": there is a member \"x\" too many"
    );
    assert!(matches!(
        refused(text.replace("/v1", "/v2")),
        BundleError::Member { .. }
    ));
}

#[test]
fn another_key_than_the_trusted_one_is_named_though_the_bundle_agrees_with_itself() {
    let forger = support::sample_with(support::Seeds { log: 21, story: 22 });
    let honest = sample();
    let text = forger.bundle.format();
    assert!(verify(text.as_bytes(), &Trust::default()).is_ok());
    assert_eq!(
        honest.verify(&text),
        Err(BundleError::OtherKey("/log/vkey"))
    );
    let half = support::sample_with(support::Seeds { log: 1, story: 22 });
    assert_eq!(
        honest.verify(&half.bundle.format()),
        Err(BundleError::OtherKey("/log/story_vkey"))
    );
}

#[test]
fn what_must_be_shown_cannot_be_withheld() {
    let sample = sample();
    for pointer in ["/recorded", "/about", "/issuer", "/kind"] {
        let mut changed = sample.bundle.clone();
        let statement = &mut changed.statements[0];
        withhold(&mut statement.content, pointer);
        withhold(&mut statement.receipt, pointer);
        match error(&sample, &changed) {
            BundleError::Statement {
                position: 0,
                fault: StatementFault::Hidden(name),
            } => {
                assert_eq!(name, pointer);
            }
            other => panic!("{pointer}: {other}"),
        }
    }
}

#[test]
fn what_nothing_shown_connects_with_the_subject_is_named() {
    let sample = sample();
    let mut changed = sample.bundle.clone();
    for statement in &mut changed.statements {
        for i in 0..9 {
            withhold(&mut statement.receipt, &format!("/about/{i}"));
        }
    }
    assert!(matches!(
        error(&sample, &changed),
        BundleError::Statement {
            position: 0,
            fault: StatementFault::Unconnected
        }
    ));
}

/// Turns a shown leaf into a named one, as anybody can who holds the bundle.
fn withhold(node: &mut Node, wanted: &str) {
    match node {
        Node::Inner(pair) => {
            withhold(&mut pair.0, wanted);
            withhold(&mut pair.1, wanted);
        }
        Node::Shown {
            pointer,
            value,
            salt,
        } if pointer == wanted => {
            let commitment = auditlog::field::commitment(salt, value);
            *node = Node::Withheld {
                pointer: std::mem::take(pointer),
                commitment,
            };
        }
        _ => {}
    }
}

#[test]
fn a_broken_anchor_file_is_named_by_line() {
    let sample = sample();
    let text = sample.bundle.format();
    let with = |anchors: &str| {
        verify(
            text.as_bytes(),
            &Trust {
                anchors: Some(anchors),
                ..sample.trust()
            },
        )
    };
    let lines: Vec<&str> = sample.anchors.lines().collect();
    assert!(with(&lines.join("\n")).is_ok());
    assert_eq!(with(lines[0]), Err(BundleError::NotAnchored));
    assert_eq!(with(""), Err(BundleError::NotAnchored));
    // A segment alone: its first line is taken as it is.
    assert!(with(lines[1]).is_ok());
    let swapped = format!("{}\n{}\n", lines[0], lines[0]);
    assert!(matches!(
        with(&swapped),
        Err(BundleError::AnchorFile { line: 2, .. })
    ));
    let torn = format!("{}\n{}", lines[0], &lines[1][..50]);
    assert!(matches!(
        with(&torn),
        Err(BundleError::AnchorFile { line: 2, .. })
    ));
}
