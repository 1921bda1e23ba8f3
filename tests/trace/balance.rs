//! Conservation: one test a rule, each with its negative twin.

use rootmark::domain::finding::Severity;
use serde_json::json;

use crate::chain::*;
use crate::findings::{assert_rule, captured, found, said};
use crate::support::TestApp;

fn amount(name: &str, quantity: &str, uom: &str) -> String {
    let class = uri(name);
    format!(r#"{{"epcClass":"{class}","quantity":{quantity},"uom":"{uom}"}}"#)
}

fn pieces(name: &str, quantity: &str) -> String {
    let class = uri(name);
    format!(r#"{{"epcClass":"{class}","quantity":{quantity}}}"#)
}

fn process(hours: u32, inputs: &[String], outputs: &[String]) -> String {
    let members = [
        format!(r#""inputQuantityList":[{}]"#, inputs.join(",")),
        format!(r#""outputQuantityList":[{}]"#, outputs.join(",")),
    ];
    event("TransformationEvent", hours, &members)
}

async fn described(app: &TestApp, class: &str, more: serde_json::Value) {
    let mut product = json!({
        "gtin": uri(&format!("class:{class}")),
        "productName": {"zh-CN": "演示奶粉", "en": "Demo powder"},
    });
    product
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    let answer = app.post("/api/products", product.to_string()).await;
    assert_eq!(answer.status(), 201);
}

const TIN: &str = "09521041001012";
const POWDER: &str = "09521041000114";

#[tokio::test(flavor = "multi_thread")]
async fn no_more_comes_out_of_a_process_than_went_into_it() {
    let process = |input: &str, uom: &str, output: &str| {
        let (input, output) = (
            amount("powder:1", input, uom),
            amount("lot:L", output, "KGM"),
        );
        [
            process(5, &[input], &[output]),
            commission(6, &["tin:A"], "L"),
        ]
    };
    let rule = ("weightGained", Severity::Doubt);
    assert_rule(
        rule,
        &process("100", "KGM", "101"),
        &process("100", "KGM", "100"),
    )
    .await;
    // Whatever unit it was weighed in, and where it was counted nothing is compared.
    assert_rule(
        rule,
        &process("100000", "GRM", "101"),
        &process("100000", "GRM", "100"),
    )
    .await;
    assert_rule(
        rule,
        &process("100", "LBR", "46"),
        &process("100", "LBR", "45"),
    )
    .await;
    assert_rule(
        rule,
        &process("100", "KGM", "101"),
        &process("1", "EA", "100"),
    )
    .await;
    // What went in without having been weighed may be the rest.
    let mut unweighed = process("100", "KGM", "101");
    let carton = format!(r#"{{"inputEPCList":["{}"],"#, uri("carton:C"));
    unweighed[0] = unweighed[0].replacen('{', &carton, 1);
    assert_rule(rule, &process("100", "KGM", "101"), &unweighed).await;
    let app = captured(&process("100", "KGM", "101")).await;
    let words = "100 kg went into a process, and at least 101 kg came out of it.";
    assert_eq!(said(&app, "tin:A").await, words);
    app.stop().await;
}

/// Whatever else came out counts too, and whoever scans a tin is not told of it.
#[tokio::test(flavor = "multi_thread")]
async fn neighbours_count_and_are_not_told() {
    let line = |other: &str| {
        let outputs = [
            amount("lot:L", "60", "KGM"),
            amount("carton-lot:X", other, "KGM"),
        ];
        [
            process(5, &[amount("powder:1", "100", "KGM")], &outputs),
            commission(6, &["tin:A"], "L"),
        ]
    };
    assert_rule(("weightGained", Severity::Doubt), &line("41"), &line("40")).await;
    let app = captured(&line("41")).await;
    assert!(!said(&app, "tin:A").await.contains("09521041000022"));
    // What the neighbour grows by counts too, and is told as little.
    described(
        &app,
        "09521041000022",
        json!({"yield": {"min": 1, "max": 1.5}}),
    )
    .await;
    assert_eq!(found(&app, "tin:A").await, []);
    let page = app.page("/01/09521041001012/10/L/21/A", "en").await;
    assert!(!page.text().await.unwrap().contains("Demo powder"));
    app.stop().await;
}

/// Of a process in several events, a story may have one.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_in_several_events_is_not_weighed() {
    let id = r#"{"transformationID":"https://id.gs1.org/253/9521041000008DRY","#;
    let input = [amount("powder:1", "100", "KGM")];
    let alone = process(5, &input, &[amount("lot:L", "101", "KGM")]);
    let joined = [alone.replacen('{', id, 1), commission(6, &["tin:A"], "L")];
    let alone = [alone, commission(6, &["tin:A"], "L")];
    assert_rule(("weightGained", Severity::Doubt), &alone, &joined).await;
}

/// Tins of a year ago were what they were then.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_described_otherwise_before_weighs_nothing() {
    let line = [
        process(
            5,
            &[amount("powder:1", "9", "KGM")],
            &[pieces("lot:L", "11")],
        ),
        commission(6, &["tin:A"], "L"),
    ];
    let net = |grams: u32| json!({"netContent": {"value": grams, "unitCode": "GRM"}});
    for (before, expected) in [(900, 1), (800, 0)] {
        let app = captured(&line).await;
        described(&app, TIN, net(before)).await;
        if before != 900 {
            described(&app, TIN, net(900)).await;
        }
        assert_eq!(found(&app, "tin:A").await.len(), expected, "{before}");
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_weigh_what_the_product_says_that_each_holds() {
    let line = |tins: &str| {
        [
            process(
                5,
                &[amount("powder:1", "9", "KGM")],
                &[pieces("lot:L", tins)],
            ),
            commission(6, &["tin:A"], "L"),
        ]
    };
    for (tins, net, expected) in [
        ("10", json!({"value": 900, "unitCode": "GRM"}), vec![]),
        (
            "11",
            json!({"value": 900, "unitCode": "GRM"}),
            vec![("weightGained", Severity::Doubt)],
        ),
        ("11", json!({"value": 0.8, "unitCode": "KGM"}), vec![]),
        ("11", json!({"value": 900, "unitCode": "MLT"}), vec![]),
    ] {
        let app = captured(&line(tins)).await;
        described(&app, TIN, json!({ "netContent": net })).await;
        assert_eq!(found(&app, "tin:A").await, expected, "{tins} {net}");
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_gives_what_its_merchant_says_that_it_gives() {
    let band = json!({"yield": {"min": 0.2, "max": 0.3}});
    let growing = json!({"yield": {"min": 1, "max": 1.5}});
    let too_much = ("yieldOutOfBand", Severity::Doubt);
    let too_little = ("yieldOutOfBand", Severity::Note);
    let gained = ("weightGained", Severity::Doubt);
    for (output, band, expected) in [
        ("20", &band, None),
        ("30", &band, None),
        ("31", &band, Some(too_much)),
        ("19", &band, Some(too_little)),
        // That nothing comes of nothing goes before, and once is enough.
        ("101", &band, Some(gained)),
        // Fish grow of what nobody weighs.
        ("149", &growing, None),
        ("151", &growing, Some(gained)),
        ("99", &growing, Some(too_little)),
    ] {
        let line = [
            process(
                5,
                &[amount("milk:1", "100", "KGM")],
                &[amount("powder:1", output, "KGM")],
            ),
            make(6, &["powder:1"], &["lot:L"]),
            commission(7, &["tin:A"], "L"),
        ];
        let app = captured(&line).await;
        described(&app, POWDER, band.clone()).await;
        let expected: Vec<_> = expected.into_iter().collect();
        assert_eq!(found(&app, "tin:A").await, expected, "{output} {band}");
        if output == "31" {
            let words = "31 kg came of 100 kg in one process; by the merchant's own figures it should be 20 kg to 30 kg.";
            assert_eq!(said(&app, "tin:A").await, words);
        }
        app.stop().await;
    }
    // Of several products each has its part; and of a process that goes on, more may come out.
    let outputs = [
        amount("powder:1", "10", "KGM"),
        amount("carton-lot:X", "10", "KGM"),
    ];
    let two = process(5, &[amount("milk:1", "100", "KGM")], &outputs);
    let output = [amount("powder:1", "10", "KGM")];
    let open = process(5, &[amount("milk:1", "100", "KGM")], &output);
    let open = open.replacen(
        '{',
        r#"{"transformationID":"https://id.gs1.org/253/9521041000008DRY","#,
        1,
    );
    for line in [two, open] {
        let line = [
            line,
            make(6, &["powder:1"], &["lot:L"]),
            commission(7, &["tin:A"], "L"),
        ];
        let app = captured(&line).await;
        described(&app, POWDER, band.clone()).await;
        assert_eq!(found(&app, "tin:A").await, []);
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_of_a_lot_is_used_than_was_made_of_it() {
    let rule = ("lotOverdrawn", Severity::Doubt);
    let dried = |made: &str, uom: &str| {
        let made = amount("powder:1", made, uom);
        let class = format!(r#""quantityList":[{made}]"#);
        event("ObjectEvent", 2, &[member("action", "ADD"), class])
    };
    let ours = |kilograms: &str| {
        let input = [amount("powder:1", kilograms, "KGM")];
        process(5, &input, &[pieces("lot:L", "10")])
    };
    // Another product's, which is no part of the story.
    let other = |hours, kilograms: &str| {
        let input = [amount("powder:1", kilograms, "KGM")];
        process(hours, &input, &[pieces("carton-lot:X", "10")])
    };
    let code = commission(6, &["tin:A"], "L");
    let line = |made: &str, uom: &str, used: &str| {
        [dried(made, uom), ours("60"), other(7, used), code.clone()]
    };
    assert_rule(rule, &line("100", "KGM", "41"), &line("100", "KGM", "40")).await;
    assert_rule(
        rule,
        &line("100000", "GRM", "41"),
        &line("100000", "GRM", "40"),
    )
    .await;
    assert_rule(rule, &line("218", "LBR", "40"), &line("221", "LBR", "40")).await;
    // Of what was measured otherwise, nobody knows; and what was an error counts for nothing.
    assert_rule(rule, &line("100", "KGM", "41"), &line("1", "LTR", "41")).await;
    let retracted = [
        dried("100", "KGM"),
        ours("60"),
        with_id(&other(7, "41"), "urn:x:1"),
        declared_error(&other(7, "41"), "urn:x:1"),
        code.clone(),
    ];
    assert_rule(rule, &line("100", "KGM", "41"), &retracted).await;
    // What was made in two runs, the second after the first was used.
    let twice = [
        dried("60", "KGM"),
        ours("60"),
        dried("41", "KGM").replace("T02:", "T09:"),
        other(10, "41"),
        code.clone(),
    ];
    assert_rule(rule, &line("100", "KGM", "41"), &twice).await;
    // Some of the lot has numbers of its own, which no quantity counts.
    let bag = object(
        3,
        "ADD",
        &["https://id.gs1.org/01/09521041000114/21/BAG"],
        &[r#""ilmd":{"cbvmda:lotNumber":"1"}"#.to_owned()],
    );
    let with_bags = [&line("100", "KGM", "41")[..], &[bag]].concat();
    assert_rule(rule, &line("100", "KGM", "41"), &with_bags).await;
    let app = captured(&line("100", "KGM", "41")).await;
    described(&app, POWDER, json!({})).await;
    let words = "100 kg of Demo powder, batch 1 were made, and 101 kg were used.";
    assert_eq!(said(&app, "tin:A").await, words);
    app.stop().await;
}

/// Whoever sums up a thousand uses for each look at a tin has no time for the tin.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_lot_that_was_used_often_no_sums_are_told() {
    let made = format!(r#""quantityList":[{}]"#, amount("powder:1", "10", "KGM"));
    let made = event("ObjectEvent", 2, &[member("action", "ADD"), made]);
    let used = |hours| {
        let input = [amount("powder:1", "1", "KGM")];
        process(hours, &input, &[pieces("carton-lot:X", "10")])
    };
    let ours = process(
        5,
        &[amount("powder:1", "1", "KGM")],
        &[pieces("lot:L", "10")],
    );
    let line = |uses: u32| {
        let line = [made.clone(), ours.clone(), commission(6, &["tin:A"], "L")];
        let line = line
            .into_iter()
            .chain((0..uses).map(|hours| used(100 + hours)));
        line.collect::<Vec<_>>()
    };
    // What made it, our use, and these: up to 63 events.
    for (uses, expected) in [(9, 0), (10, 1), (61, 1), (62, 0)] {
        let app = captured(&line(uses)).await;
        assert_eq!(found(&app, "tin:A").await.len(), expected, "{uses}");
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_codes_are_issued_for_a_lot_than_it_has_pieces_and_a_tenth_to_spare() {
    for (codes, tins, days, expected) in [
        (11, "10", 8, None),
        (12, "10", 8, Some(("codesToSpare", Severity::Note))),
        // While it is being made, and for a week.
        (12, "10", 6, None),
        // By weight nobody knows how many there are.
        (12, "0.5", 8, None),
    ] {
        let output = match tins {
            "0.5" => amount("lot:L", tins, "KGM"),
            _ => pieces("lot:L", tins),
        };
        let line = [
            process(5, &[amount("powder:1", "9", "KGM")], &[output]),
            commission(6, &["tin:A"], "L"),
            see(24 * days, &["tin:A"]),
        ];
        let app = captured(&line).await;
        described(&app, TIN, json!({})).await;
        app.issue("L", codes / 2).await;
        app.issue("L", codes - codes / 2).await;
        let expected: Vec<_> = expected.into_iter().collect();
        assert_eq!(found(&app, "tin:A").await, expected, "{codes} {tins}");
        if !expected.is_empty() {
            let words = "12 codes were issued for Demo powder, batch L, which has 10 pieces. Codes that are left over can end up on copies.";
            assert_eq!(said(&app, "tin:A").await, words);
            // A note is told, and is no doubt.
            let page = app.page("/01/09521041001012/10/L/21/A", "en").await;
            let page = page.text().await.unwrap();
            assert!(
                page.contains(words) && !page.contains("does not add up"),
                "{page}"
            );
        }
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_items_get_numbers_than_codes_were_issued() {
    let output = [pieces("lot:L", "9")];
    let made = process(5, &[amount("powder:1", "9", "KGM")], &output);
    let three = commission(6, &["tin:A", "tin:B", "tin:C"], "L");
    let more = commission(7, &["tin:D"], "L");
    let beyond = vec![("itemsBeyondCodes", Severity::Note)];
    let line = vec![made.clone(), three.clone()];
    let twice = [&line[..], &[with_id(&more, "urn:x:1")]].concat();
    // What was an error gave no numbers.
    let taken_back = [&twice[..], &[declared_error(&more, "urn:x:1")]].concat();
    for (line, codes, expected) in [
        (&line, 2, beyond.clone()),
        (&line, 3, vec![]),
        (&line, 0, vec![]),
        (&twice, 3, beyond),
        (&taken_back, 3, vec![]),
    ] {
        let app = captured(line).await;
        described(&app, TIN, json!({})).await;
        if codes > 0 {
            app.issue("L", codes).await;
        }
        assert_eq!(found(&app, "tin:A").await, expected, "{codes}");
        if codes == 2 {
            let words = "2 codes were issued for Demo powder, batch L, and 3 pieces got a number of their own.";
            assert_eq!(said(&app, "tin:A").await, words);
            // Codes for no lot in particular may be theirs.
            let order = json!({"gtin": TIN, "quantity": 1});
            let issued = app.post("/api/code-ranges", order.to_string()).await;
            assert_eq!(issued.status(), 201);
            assert_eq!(found(&app, "tin:A").await, []);
        }
        app.stop().await;
    }
}

/// A lot whose items got their numbers one by one is counted as far as that takes no time.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_lot_that_was_numbered_often_no_items_are_counted() {
    for (namings, expected) in [(256, 1), (257, 0)] {
        let tins = (0..namings).map(|i| commission(6, &[&format!("tin:N{i}")], "L"));
        let line: Vec<String> = tins.collect();
        let app = captured(&line).await;
        described(&app, TIN, json!({})).await;
        app.issue("L", 10).await;
        assert_eq!(found(&app, "tin:N0").await.len(), expected, "{namings}");
        app.stop().await;
    }
}
