//! Vectors of what needs no log: JSON, field trees, statements, entries.

use auditlog::Entry;
use auditlog::encoding::to_base64;
use auditlog::field::{Fields, Salter, Secret, commitment, field_leaf};
use auditlog::json;
use auditlog::note::NoteSigner;
use auditlog::statement::{
    Signed, Statement, StatementParts, content_text, receipt_text, signed_message,
};

use crate::support::{FARM, time};
use crate::writer::{Json, file, object};

const FIELDS: [(&str, &str); 12] = [
    ("one scalar", r#"{"a":1}"#),
    (
        "white space and the order of members change nothing",
        " {\r\n\t\"b\" : [ true , null ] , \"a\" : false }\n",
    ),
    ("the same without them", r#"{"a":false,"b":[true,null]}"#),
    (
        "a number is its own text",
        r#"{"a":1.0,"b":1e3,"c":-0,"d":12345678901234567890,"e":1E+2,"f":0.10}"#,
    ),
    (
        "empty values and an empty name",
        r#"{"":"","array":[],"object":{},"text":"{}"}"#,
    ),
    (
        "names with / and ~ are escaped, others are not",
        r#"{"a/b":1,"a~b":2,"a~1b":3,"a b":4,"a%2Fb":5,"a\"b":6}"#,
    ),
    (
        "an array is told from an object with the names of its elements",
        r#"{"array":["x"],"object":{"0":"x"}}"#,
    ),
    (
        "pointers ascend by bytes: 10 before 2, ! and . before /",
        r#"{"a":[0,1,2,3,4,5,6,7,8,9,10],"a!":true,"a.b":true,"a0":true}"#,
    ),
    (
        "pointers ascend by UTF-8, not by UTF-16",
        "{\"\u{1f600}\":1,\"\u{ff01}\":2,\"\u{e9}\":3,\"e\u{301}\":4}",
    ),
    (
        "escapes are resolved, and written again as RFC 8785 has them",
        r#"{"a":"\u0041\/\u00e9\ud83d\ude00","b":"\b\t\n\f\r\"\\","c":"\u0001\u001F\u007f"}"#,
    ),
    (
        "no Unicode normalisation",
        "{\"a\":\"\u{e9}\",\"b\":\"e\u{301}\",\"c\":\"奶粉\"}",
    ),
    (
        "arrays and objects nested",
        r#"{"a":[{"b":[[],{}]},{"c":{"d":[1]}}]}"#,
    ),
];

pub fn fields() -> String {
    let cases: Vec<Json> = FIELDS
        .iter()
        .enumerate()
        .map(|(i, (name, text))| fields_case(name, text, &Secret([i as u8 + 1; 32])))
        .collect();
    file(
        "README §3 and §4: a JSON object and a secret give leaves in this order, and this root.",
        [("cases", cases.into())],
    )
}

fn fields_case(name: &str, text: &str, secret: &Secret) -> Json {
    let fields = Fields::of(&json::parse(text).unwrap());
    let salts = Salter::new(secret);
    let leaves: Vec<Json> = fields
        .iter()
        .map(|field| {
            let salt = salts.salt(field.pointer);
            let c = commitment(&salt, field.value);
            object([
                ("p", field.pointer.into()),
                ("v", field.value.into()),
                ("s", salt.to_base64().into()),
                ("c", c.to_base64().into()),
                ("leaf", field_leaf(field.pointer, &c).to_base64().into()),
            ])
        })
        .collect();
    object([
        ("name", name.into()),
        ("json", (*text).into()),
        ("secret", to_base64(&secret.0).into()),
        ("leaves", leaves.into()),
        ("root", fields.root(&(*secret).into()).to_base64().into()),
    ])
}

pub fn json_refused() -> String {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let long_object = |last: &str| {
        let members: String = (0..40).map(|i| format!("\"k{i}\":0,")).collect();
        format!("{{{members}\"{last}\":0}}")
    };
    let fixed = [
        "",
        " ",
        "{",
        "[1",
        "\"a",
        "\"\\",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "nul",
        "nulll",
        "True",
        "NaN",
        "[1,]",
        "{\"a\":1,}",
        "[,1]",
        "[1 2]",
        "{a:1}",
        "{'a':1}",
        "{1:2}",
        "// x\n1",
        "\u{feff}{}",
        "\u{a0}1",
        "\u{c}1",
        "1 2",
        "{} {}",
        "01",
        "-01",
        "1.",
        ".5",
        "+1",
        "-",
        "1e",
        "1e+",
        "1.e3",
        "0x10",
        "1_0",
        "--1",
        "Infinity",
        "１",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\U0041\"",
        "\"\t\"",
        "\"\n\"",
        "\"\u{0}\"",
        "\"\u{1f}\"",
        "\"\\u0000\"",
        "{\"\\u0000\":1}",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\u0041\"",
        "\"\\ud800x\"",
        "\"\\udc00\\ud800\"",
        "{\"a\":1,\"a\":1}",
        "{\"a\":1,\"\\u0061\":2}",
        "[{\"b\":{\"a\":1,\"c\":2,\"a\":3}}]",
    ];
    let refused = fixed
        .iter()
        .map(|text| (*text).to_owned())
        .chain([nested(65), long_object("k3"), long_object("k39")])
        .map(|text| {
            let reason = json::parse(&text).expect_err(&text).to_string();
            object([("json", text.into()), ("reason", reason.into())])
        });
    let accepted = [
        "null".to_owned(),
        " \t\r\n[ ] ".to_owned(),
        "{\"A\":1,\"a\":2}".to_owned(),
        "\"\u{7f}\u{2028}\u{fffe}\"".to_owned(),
        "\"\\/\\u002f\\uD83D\\uDE00\"".to_owned(),
        "[-0,0.0,1E400,1e-400,123456789012345678901234567890]".to_owned(),
        nested(64),
        long_object("k40"),
    ];
    let accepted = accepted.into_iter().map(|text| {
        let compact = json::parse(&text).unwrap().to_compact();
        object([("json", text.into()), ("compact", compact.into())])
    });
    file(
        "README §3: texts that must be refused, with the reason; and near ones that must not, with \
         their compact form.",
        [
            ("refused", refused.collect::<Vec<_>>().into()),
            ("accepted", accepted.collect::<Vec<_>>().into()),
        ],
    )
}

pub fn statements() -> String {
    let about = ["lot https://id.gs1.org/01/09521234543213/10/L1".to_owned()];
    let recorded = time("03.123");
    let plain = receipt_text(&about, recorded, None);
    let content = content_text(r#"{"kg":1.0,"lot":"L1"}"#, FARM, "event");
    let hashed = |content: &str, receipt: &str| {
        Statement::read(&parts(content, receipt)).expect("the samples are well-formed")
    };
    let content_root = hashed(&content, &plain)
        .content
        .root(&Secret([1; 32]).into());
    let farm = NoteSigner::from_seed("farm.example", &[3; 32]).unwrap();
    let message = signed_message(&content_root);
    let signature = to_base64(&farm.sign(message.as_bytes()));
    let signed = Signed {
        signature: &signature,
        signer: &farm.verifier().format(),
    };
    let signed_receipt = receipt_text(&about, recorded, Some(&signed));
    let product = content_text(
        r#"{"gtin":"https://id.gs1.org/01/09521234543213","productName":{"zh-CN":"演示奶粉"}}"#,
        FARM,
        "product",
    );
    let cases = [
        ("the example of the README", &content, &plain, None),
        (
            "the same, signed by the party",
            &content,
            &signed_receipt,
            Some(message),
        ),
        ("a product", &product, &plain, None),
    ]
    .map(|(name, content, receipt, message)| {
        let statement = hashed(content, receipt);
        let entry = Entry {
            recorded,
            digest: statement.digest(),
        };
        object([
            ("name", name.into()),
            ("content", content.as_str().into()),
            ("content_secret", to_base64(&[1; 32]).into()),
            ("receipt", receipt.as_str().into()),
            ("receipt_secret", to_base64(&[2; 32]).into()),
            (
                "content_root",
                statement
                    .content
                    .root(&Secret([1; 32]).into())
                    .to_base64()
                    .into(),
            ),
            (
                "receipt_root",
                statement
                    .receipt
                    .root(&Secret([2; 32]).into())
                    .to_base64()
                    .into(),
            ),
            ("digest", statement.digest().to_base64().into()),
            ("signed_message", message.into()),
            ("entry", entry.format().into()),
            ("leaf_hash", entry.leaf_hash().to_base64().into()),
        ])
    });
    file(
        "README §5 and §6: two JSON texts and two secrets give this digest, entry and leaf hash.",
        [("cases", Json::List(cases.into()))],
    )
}

fn parts<'a>(content: &'a str, receipt: &'a str) -> StatementParts<'a> {
    StatementParts {
        content,
        receipt,
        content_salts: Secret([1; 32]).into(),
        receipt_secret: Secret([2; 32]),
    }
}

pub fn entries() -> String {
    let digest = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    let at = |time: &str| format!("rootmark-entry/v1\n{time}\n{digest}\n");
    let good = at("2026-11-23T01:02:03.123Z");
    let valid = [
        good.clone(),
        at("2024-02-29T23:59:59.999Z"),
        at("2000-02-29T00:00:00.000Z"),
        at("0000-01-01T00:00:00.000Z"),
        at("9999-12-31T23:59:59.999Z"),
    ];
    let valid = valid.iter().map(|text| {
        let entry = Entry::parse(text).unwrap();
        object([
            ("entry", text.as_str().into()),
            ("recorded", entry.recorded.as_str().into()),
            ("digest", entry.digest.to_base64().into()),
            ("leaf_hash", entry.leaf_hash().to_base64().into()),
        ])
    });
    let spelled = [
        ("no final newline", good.trim_end().to_owned()),
        ("an empty line more", format!("{good}\n")),
        ("a line more", format!("{good}x\n")),
        ("a line less", good.replace(&format!("{digest}\n"), "")),
        ("carriage returns", good.replace('\n', "\r\n")),
        ("a space before", format!(" {good}")),
        ("another version", good.replace("/v1", "/v2")),
        ("a digest without padding", good.replace('=', "")),
        (
            "a digest with stray trailing bits",
            good.replace("QE=", "QF="),
        ),
        ("a digest too short", good.replace("AQEB", "")),
        ("base64 for URLs", good.replace("AQEBAQEBAQ", "AQ-BAQEBAQ")),
    ];
    let times = [
        "2025-02-29T00:00:00.000Z",
        "1900-02-29T00:00:00.000Z",
        "2026-04-31T00:00:00.000Z",
        "2026-00-01T00:00:00.000Z",
        "2026-13-01T00:00:00.000Z",
        "2026-01-00T00:00:00.000Z",
        "2026-01-01T24:00:00.000Z",
        "2026-01-01T00:60:00.000Z",
        "2016-12-31T23:59:60.000Z",
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00.000000Z",
        "2026-01-01T00:00:00.000+00:00",
        "2026-01-01T00:00:00.000z",
        "2026-01-01 00:00:00.000Z",
        "+026-01-01T00:00:00.000Z",
        "２026-01-01T00:00:00.000Z",
    ];
    let invalid = spelled
        .into_iter()
        .chain(times.map(|time| ("no time of the one form", at(time))))
        .map(|(why, text)| object([("why", why.into()), ("entry", text.into())]));
    file(
        "README §6: entries, and texts that are none.",
        [
            ("valid", valid.collect::<Vec<_>>().into()),
            ("invalid", invalid.collect::<Vec<_>>().into()),
        ],
    )
}
