use super::*;
use crate::cosignature::WitnessSigner;
use crate::note::NoteSigner;

fn witness(i: u8) -> WitnessSigner {
    WitnessSigner::from_seed(&format!("w{i}.example"), &[i; 32]).unwrap()
}

fn vkey(i: u8) -> String {
    witness(i).key().format()
}

fn log() -> NoteSigner {
    NoteSigner::from_seed("log.example", &[100; 32]).unwrap()
}

fn six() -> String {
    let mut text = format!("# two groups\n\nlog {}\n", log().verifier().format());
    for i in 1..=6 {
        let owner = if i <= 3 { 'X' } else { 'Y' };
        text.push_str(&format!(
            "\twitness {owner}{i}  {} http://w{i}.example\n",
            vkey(i)
        ));
    }
    text.push_str(
        "group Xs 2 X1 X2 X3\ngroup Ys any Y4 Y5 Y6\ngroup both all Xs Ys\nquorum both\n",
    );
    text
}

fn fault(text: &str) -> LineFault {
    match Policy::parse(text.as_bytes()) {
        Err(PolicyError::Line { fault, .. }) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn two_levels_of_groups_decide_as_they_are_written() {
    let policy = Policy::parse(six().as_bytes()).unwrap();
    let quorum = |who: &[usize]| policy.is_quorum(|witness| who.contains(&witness));
    assert!(quorum(&[0, 1, 3]) && quorum(&[1, 2, 5]) && quorum(&[0, 1, 2, 3, 4, 5]));
    assert!(!quorum(&[0, 3]) && !quorum(&[0, 1, 2]) && !quorum(&[3, 4, 5]) && !quorum(&[]));
    assert_eq!(
        policy.witnesses[3].url.as_deref(),
        Some("http://w4.example")
    );
    assert!(policy.log(log().verifier()).is_some());
}

#[test]
fn a_note_counts_only_with_a_quorum_of_right_cosignatures() {
    let policy = Policy::parse(six().as_bytes()).unwrap();
    let mut note = SignedNote::sign("log.example\n1\nroot\n".into(), &log()).unwrap();
    let refused = policy.witnessed(&note).unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("none of the policy's witnesses")
    );
    for i in [1, 2, 9] {
        note.add_signature(witness(i).cosign(note.unverified_text(), 50));
    }
    assert_eq!(policy.witnessed(&note).unwrap_err().cosigned, ["X1", "X2"]);
    note.add_signature(witness(6).cosign(note.unverified_text(), 70));
    let times: Vec<u64> = policy
        .witnessed(&note)
        .unwrap()
        .iter()
        .map(|w| w.time)
        .collect();
    assert_eq!(times, [50, 50, 70]);
    let mut wrong = witness(5).cosign(note.unverified_text(), 70);
    wrong.signature[20] ^= 1;
    note.add_signature(wrong);
    let refused = policy.witnessed(&note).unwrap_err();
    assert_eq!(refused.faults.len(), 1);
    // They are a quorum, and the message must not say that they are none.
    let named = "a cosignature of the policy's witnesses: the signature by w5.example is wrong";
    assert_eq!(refused.to_string(), named);
}

#[test]
fn quorum_none_asks_for_nobody() {
    let policy = Policy::parse(b"quorum none").unwrap_err();
    assert_eq!(policy, PolicyError::NoFinalNewline);
    let policy = Policy::parse(b"quorum none\n").unwrap();
    assert!(!policy.needs_witnesses() && policy.is_quorum(|_| false));
    assert_eq!(Policy::parse(b""), Err(PolicyError::NoQuorum));
    assert_eq!(Policy::parse(b"\n"), Err(PolicyError::NoQuorum));
}

#[test]
fn each_fault_is_named_with_its_line() {
    let (one, two) = (vkey(1), vkey(2));
    let error = Policy::parse(format!("# x\nwitness a {one}\nquorum b\n").as_bytes());
    let named = "the policy, line 3: the name \"b\" stands for nothing in the lines before";
    assert_eq!(error.unwrap_err().to_string(), named);
    let w = format!("witness a {one}\nwitness b {two}\n");
    assert_eq!(
        fault(&format!("{w}witness a {}\n", vkey(3))),
        LineFault::DuplicateName("a".into())
    );
    assert_eq!(
        fault(&format!("witness none {one}\n")),
        LineFault::DuplicateName("none".into())
    );
    assert_eq!(
        fault(&format!("{w}witness c {one}\n")),
        LineFault::DuplicateKey
    );
    assert_eq!(
        fault(&format!("{w}group g any a a\n")),
        LineFault::SecondMembership("a".into())
    );
    assert_eq!(
        fault(&format!("{w}group g any a\ngroup h any a b\n")),
        LineFault::SecondMembership("a".into())
    );
    assert_eq!(
        fault(&format!("{w}group g any none\n")),
        LineFault::UnknownName("none".into())
    );
    for threshold in ["0", "3", "01", "-1", "some", "18446744073709551616"] {
        assert_eq!(
            fault(&format!("{w}group g {threshold} a b\n")),
            LineFault::Threshold
        );
    }
    assert_eq!(fault("quorum none\nquorum none\n"), LineFault::SecondQuorum);
    assert!(matches!(fault("group g any\n"), LineFault::Shape(_)));
    assert!(matches!(fault("quorum\n"), LineFault::Shape(_)));
    assert!(matches!(fault("log a b c\n"), LineFault::Shape(_)));
    assert_eq!(fault("logs x\n"), LineFault::Keyword);
    assert_eq!(fault("quorum none\r\n"), LineFault::Control);
    let log = log().verifier().format();
    assert!(matches!(fault(&format!("log {one}\n")), LineFault::Key(_)));
    assert!(matches!(
        fault(&format!("witness a {log}\n")),
        LineFault::Key(_)
    ));
    assert_eq!(
        fault(&format!("log {log}\nlog {log}\n")),
        LineFault::DuplicateKey
    );
}

#[test]
fn names_are_octets_and_limits_are_kept() {
    // The letter K and the sign for kelvin are two names; bytes that are no UTF-8 are a name too.
    let text = [
        format!(
            "witness K {}\nwitness \u{212a} {}\nwitness ",
            vkey(1),
            vkey(2)
        )
        .as_bytes(),
        b"\xff\xfe ",
        format!("{}\nquorum \u{212a}\n", vkey(3)).as_bytes(),
    ]
    .concat();
    let policy = Policy::parse(&text).unwrap();
    assert!(policy.is_quorum(|witness| witness == 1) && !policy.is_quorum(|witness| witness == 0));
    assert_eq!(policy.witnesses[2].name, "octets fffe");
    // U+00FF is the octets C3 BF, and is not the octet FF, neither as a name nor in a key's.
    let pair = |name: &[u8], key: &str| [b"witness ", name, b" ", key.as_bytes(), b"\n"].concat();
    let alike = [
        pair("\u{ff}".as_bytes(), &vkey(1)),
        pair(b"\xff", &vkey(2)),
        b"quorum none\n".to_vec(),
    ];
    let alike = Policy::parse(&alike.concat()).unwrap();
    assert_ne!(alike.witnesses[0].name, alike.witnesses[1].name);
    let key = WitnessSigner::from_seed("\u{ff}", &[1; 32]).unwrap();
    let key = key.key().format().replace('\u{ff}', "");
    let spelled = [b"witness a \xff", key.as_bytes(), b"\nquorum a\n"].concat();
    assert!(matches!(
        Policy::parse(&spelled),
        Err(PolicyError::Line {
            fault: LineFault::Key(_),
            ..
        })
    ));
    let comment = vec![b'#'; MAX_BYTES + 1];
    assert_eq!(Policy::parse(&comment), Err(PolicyError::TooLong));
    let many: String = (0..=MAX_LINES_OF_A_KIND)
        .map(|i| {
            let mut seed = [7; 32];
            seed[..8].copy_from_slice(&(i as u64).to_be_bytes());
            let key = WitnessSigner::from_seed("w", &seed).unwrap();
            format!("witness w{i} {}\n", key.key().format())
        })
        .collect();
    assert_eq!(fault(&many), LineFault::TooMany);
    let last = many.trim_end().rfind('\n').unwrap();
    let enough = format!("{}quorum w0\n", &many[..=last]);
    assert!(Policy::parse(enough.as_bytes()).is_ok());
}
