//! Vectors of signed notes, keys, checkpoints and story hashes.

use auditlog::checkpoint::Checkpoint;
use auditlog::encoding::{from_base64, from_hex, to_base64};
use auditlog::hash::{Hash, LeafIndex};
use auditlog::note::{NoteSigner, SignedNote, Verifier, fingerprint};
use auditlog::story::StoryNote;

use crate::writer::{Json, object};

/// The conformance vector: a log of 70,000 entries with one witness.
pub const LOG_VKEY: &str =
    "prov.example/log1+9a95fb24+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs";
pub const LOG_NOTE: &str = "prov.example/log1\n70000\n\
    zMluRNoe9pvPVWcGY/O8yahtp7ZbQTn7rVoztCrWhJs=\n\n\
    — prov.example/log1 mpX7JBvxMPqH4dF/bFsN7avK1b4KzPzv7pkBWn9rA7RWGZRd5oy1S2YVDsG24okt\
    MQa9Alwt9jTtbCql2GoA+FOy1QM=\n\
    — witness.example/w1 JLXZ/gAAAABlU/EAWgTJb0HBYPbgm82q15ALX2veIJkNAkVt7jR9h84M+9yE0zBS\
    NPKjaxe+32ZNSS/nxmAHZPqbH9S+3KtEuSl0BQ==\n";
/// The key of the witness in it.
pub const W1_VKEY: &str =
    "witness.example/w1+24b5d9fe+BP0XJDhaoMdbZPt4zWAvodmR/ev3axPFjtcC6sg16fYY";
/// The example of C2SP signed-note.
const C2SP_VKEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
/// The key of seed 01 32 times, as `a.example`.
const VKEY: &str = "a.example+8edbb852+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c";
/// `VKEY` plus a point of order 8, so that verifiers with and without the cofactor disagree.
const MIXED_VKEY: &str = "m.example+89f4a2d5+AZ6j8R9b008M1xR/0KQ2wIj2JMYQDB32pTwKKeBdYM6g";
const TEXT: &str = "a.example\n7\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";

/// Signatures over [`TEXT`] by `VKEY`, made outside this crate, with what they are.
const SIGNATURES: [(&str, &str); 5] = [
    (
        "a signature",
        "wQJSsj9WRuWzZFPtHRTlIyz33y5x1BP97JYUPbxUGzDkNXlvN5loQE1L8LfnKbf9F6VtkwnnttLZWd1vafd2CA==",
    ),
    (
        "S plus the order of the group",
        "wQJSsj9WRuWzZFPtHRTlIyz33y5x1BP97JYUPbxUGzDRCW/MUfx6mCPo51rGI5YSGKVtkwnnttLZWd1vafd2GA==",
    ),
    (
        "R is the identity",
        "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAD+SfbmWVve5tKZn4OACA39NXZUPtzUvUufxQA6BCpiDA==",
    ),
    (
        "R is the identity, spelled with y = p + 1",
        "7v///////////////////////////////////////3/5ugURwOXFYwcEM6xmHf/Q+I2euzEbNiNMJEulUHHZBQ==",
    ),
    (
        "R plus a point of order 8: holds only with the cofactor",
        "3St52uLyaGnMwak5UCx3Ko3WTtTeIiCIeADyeiDbsjcDB6Oc5U/GkKh7f0xMXtYfwaqo/NiPj8MPKYo9SOmABQ==",
    ),
];

/// Signatures by `MIXED_VKEY` over texts that differ in their second line.
const MIXED_SIGNATURES: [(&str, &str, &str); 2] = [
    (
        "k is a multiple of 8: holds with and without the cofactor",
        "1",
        "4QsVdGxq6Rv/5cw0mRv/GinqOH4rDW0W3QbQXn58uNGgqDo/rRdwQAXnE6bgdBtC5rwZr7dD940llNVAZ3I8Cw==",
    ),
    (
        "k is not a multiple of 8: holds only with the cofactor",
        "0",
        "ZzB471zFBhqUCoIq1UOxEKl88JRA9+tnUudQptA/vPkiY+5WqEDsP9LiR/hk/7WIWRgiE+KubJGKMGg1xXpdAg==",
    ),
];

/// Points of small order, canonical and not, as the key of a vkey named `s.example`.
const SMALL_ORDER: [&str; 11] = [
    "8a2a41c7+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "59611882+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAACA",
    "4e2a0620+AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "d05c2589+ASbolY/CsiewRcP0ifLvmPDV36wF08YzObE4AohtU/wF",
    "499c8415+ASbolY/CsiewRcP0ifLvmPDV36wF08YzObE4AohtU/yF",
    "667b0622+AccXanA9TdhPujwLdg0QZw8qIFP6LDnMxk7H/XeSrAN6",
    "f0ccb68f+AccXanA9TdhPujwLdg0QZw8qIFP6LDnMxk7H/XeSrAP6",
    "ce0ea227+Aez///////////////////////////////////////9/",
    "9e4a4fa6+Ae3///////////////////////////////////////9/",
    "4e2d4590+Ae7///////////////////////////////////////9/",
    "3cfeb6b6+Ae7/////////////////////////////////////////",
];
const NOT_CANONICAL: &str = "n.example+fe6c2817+AfD///////////////////////////////////////9/";
const OFF_CURVE: &str = "o.example+0f5b6966+AQIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

pub fn file() -> String {
    crate::writer::file(
        "README §8 and §9: keys, notes and checkpoints. Where there is an `error`, the key or \
         note must be refused.",
        [
            ("keys", keys().into()),
            ("notes", notes().into()),
            ("checkpoints", checkpoints().into()),
            ("fingerprints", fingerprints().into()),
            ("index_hashes", index_hashes().into()),
        ],
    )
}

fn keys() -> Vec<Json> {
    let good = [LOG_VKEY, C2SP_VKEY, VKEY, MIXED_VKEY].map(str::to_owned);
    let bad = [
        C2SP_VKEY.replace("530d903a", "530d903b"),
        C2SP_VKEY.replace("530d903a", "530D903A"),
        C2SP_VKEY.replace("example", "examplf"),
        C2SP_VKEY.replace("+Aeky", "+Beky"),
        C2SP_VKEY.replace("U2k", "U2l"),
        C2SP_VKEY[..C2SP_VKEY.len() - 4].to_owned(),
        C2SP_VKEY.replace("example.com/foo", ""),
        C2SP_VKEY.replace("example.com/foo", "example.com foo"),
        "example.com".to_owned(),
        NOT_CANONICAL.to_owned(),
        OFF_CURVE.to_owned(),
    ];
    let small = SMALL_ORDER.map(|key| format!("s.example+{key}"));
    let cases = good.into_iter().chain(bad).chain(small);
    cases
        .map(|vkey| {
            let error = Verifier::parse(&vkey).err().map(|error| error.to_string());
            object([("vkey", vkey.into()), ("error", error.into())])
        })
        .collect()
}

/// The line of a signature: the key's name, its id, the signature.
fn signature_line(vkey: &str, signature: &[u8]) -> String {
    let mut parts = vkey.split('+');
    let (name, id) = (parts.next().unwrap(), parts.next().unwrap());
    let bytes = [&from_hex::<4>(id).unwrap(), signature].concat();
    format!("— {name} {}\n", to_base64(&bytes))
}

fn note_case(name: &str, vkey: &str, note: &str) -> Json {
    let verifier = Verifier::parse(vkey).unwrap();
    let verified =
        SignedNote::parse(note).and_then(|note| note.verify(&verifier).map(str::to_owned));
    let (text, error) = match verified {
        Ok(text) => (Some(text), None),
        Err(error) => (None, Some(error.to_string())),
    };
    object([
        ("name", name.into()),
        ("vkey", vkey.into()),
        ("note", note.into()),
        ("text", text.into()),
        ("error", error.into()),
    ])
}

fn notes() -> Vec<Json> {
    let line = |signature: &[u8]| signature_line(VKEY, signature);
    let right = from_base64(SIGNATURES[0].1).unwrap();
    let (good, zeros) = (line(&right), line(&[0; 64]));
    let stranger = format!("— b.example {}\n", to_base64(&[7; 5]));
    let mut cases = vec![
        note_case("the conformance vector", LOG_VKEY, LOG_NOTE),
        note_case("another key", C2SP_VKEY, LOG_NOTE),
    ];
    for (name, signature) in SIGNATURES {
        let signature = line(&from_base64(signature).unwrap());
        cases.push(note_case(name, VKEY, &format!("{TEXT}\n{signature}")));
    }
    for (name, number, signature) in MIXED_SIGNATURES {
        let text = format!("m.example\n{number}\n{}\n", Hash([0; 32]).to_base64());
        let signature = signature_line(MIXED_VKEY, &from_base64(signature).unwrap());
        cases.push(note_case(name, MIXED_VKEY, &format!("{text}\n{signature}")));
    }
    let signer = NoteSigner::from_seed("a.example", &[1; 32]).unwrap();
    let paragraphs = SignedNote::sign("one\n\ntwo\n".into(), &signer)
        .unwrap()
        .format();
    let many = |count: usize| format!("{TEXT}\n{good}{}", stranger.repeat(count));
    let shapes = [
        ("a text with an empty line of its own", paragraphs),
        (
            "an unknown signature is ignored",
            format!("{TEXT}\n{good}{stranger}"),
        ),
        ("64 signatures", many(63)),
        ("65 signatures", many(64)),
        ("a signature twice", format!("{TEXT}\n{good}{good}")),
        (
            "a right and a wrong signature of one key",
            format!("{TEXT}\n{good}{zeros}"),
        ),
        ("only an unknown signature", format!("{TEXT}\n{stranger}")),
        ("no signature", format!("{TEXT}\n")),
        ("no empty line", format!("{TEXT}{good}")),
        ("no final newline", format!("{TEXT}\n{}", good.trim_end())),
        (
            "a signature over another text",
            format!("{TEXT}x\n\n{good}"),
        ),
        (
            "a hyphen for the dash",
            format!("{TEXT}\n{}", good.replace('—', "-")),
        ),
        (
            "a signature cut short",
            format!("{TEXT}\n{}", line(&right[..63])),
        ),
        ("only a key id", format!("{TEXT}\n{}", line(&[]))),
        ("a key id cut short", format!("{TEXT}\n— a.example jtu4\n")),
        ("a tab in the text", format!("a\tb\n\n{good}")),
        (
            "carriage returns",
            format!("{TEXT}\n{good}").replace('\n', "\r\n"),
        ),
    ];
    cases.extend(shapes.map(|(name, note)| note_case(name, VKEY, &note)));
    cases
}

fn checkpoints() -> Vec<Json> {
    let root = Hash([3; 32]).to_base64();
    let texts = [
        ("a checkpoint", format!("a.example\n7\n{root}\n")),
        (
            "the greatest size",
            format!("a.example\n18446744073709551615\n{root}\n"),
        ),
        (
            "a size too great",
            format!("a.example\n18446744073709551616\n{root}\n"),
        ),
        (
            "a size with a leading zero",
            format!("a.example\n07\n{root}\n"),
        ),
        ("another origin", format!("b.example\n7\n{root}\n")),
        ("no origin", format!("\n7\n{root}\n")),
        ("an extension line", format!("a.example\n7\n{root}\nmore\n")),
        (
            "a root too short",
            format!("a.example\n7\n{}\n", &root[..40]),
        ),
        ("two lines", "a.example\n7\n".to_owned()),
    ];
    let signer = NoteSigner::from_seed("a.example", &[1; 32]).unwrap();
    let sign = |text: String| SignedNote::sign(text, &signer).unwrap().format();
    let mut cases = vec![checkpoint_case(
        "the conformance vector",
        LOG_VKEY,
        LOG_NOTE,
    )];
    cases.extend(texts.map(|(name, text)| checkpoint_case(name, VKEY, &sign(text))));
    cases
}

fn checkpoint_case(name: &str, vkey: &str, note: &str) -> Json {
    let verifier = Verifier::parse(vkey).unwrap();
    let opened = Checkpoint::open(&SignedNote::parse(note).unwrap(), &verifier);
    let head = opened.as_ref().ok().map(|checkpoint| checkpoint.head);
    object([
        ("name", name.into()),
        ("vkey", vkey.into()),
        ("note", note.into()),
        ("size", head.map(|head| head.size.0).into()),
        ("root", head.map(|head| head.root.to_base64()).into()),
        ("error", opened.err().map(|error| error.to_string()).into()),
    ])
}

fn fingerprints() -> Vec<Json> {
    let story = NoteSigner::from_seed("a.example/story", &[2; 32]).unwrap();
    [VKEY, MIXED_VKEY, C2SP_VKEY]
        .map(|vkey| {
            let log = Verifier::parse(vkey).unwrap();
            object([
                ("vkey", vkey.into()),
                ("story_vkey", story.verifier().format().into()),
                ("fingerprint", fingerprint(&log, story.verifier()).into()),
            ])
        })
        .into()
}

fn index_hashes() -> Vec<Json> {
    [&[][..], &[0], &[3, 10, 300, 301], &[12], &[1, 2]]
        .map(|list: &[u64]| {
            let hash = StoryNote::hash_indexes(list.iter().map(|index| LeafIndex(*index)));
            object([
                ("indexes", list.to_vec().into()),
                ("hash", hash.to_base64().into()),
            ])
        })
        .into()
}
