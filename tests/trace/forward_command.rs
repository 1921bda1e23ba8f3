//! `rootmark trace --forward`, as an operator runs it.

use std::process::Stdio;

use serde_json::json;

use crate::chain::*;
use crate::support::TestApp;
use crate::support::command::{command, rootmark};

const POWDER: &str = "/01/09521041000114/10/1";

async fn sold() -> TestApp {
    let app = TestApp::start().await;
    let shop = format!(r#""bizLocation":{{"id":"{}"}}"#, uri("room:1"));
    let place = json!({"place": uri("room:1"), "name": {"zh-CN": "万物店", "en": "=Shop"}});
    app.post("/api/parties", place.to_string()).await;
    let handed = |from: &str, to: &str| handed("owning_party", from, to);
    app.capture(&[
        make(1, &["powder:1"], &["lot:L"]),
        make(1, &["class:09521041000114"], &["carton-lot:M"]),
        commission(2, &["tin:A", "tin:B"], "L"),
        pack(3, "case:1", &["tin:A", "tin:B"]),
        object(
            4,
            "OBSERVE",
            &["case:1"],
            &[shop.clone(), handed("9521041000008", "9521072000008")],
        ),
        object(
            5,
            "OBSERVE",
            &["tin:A"],
            &[member("bizStep", "retail_selling"), shop],
        ),
    ])
    .await;
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_affected_is_printed_below_what_led_to_it() {
    let app = sold().await;
    let expected = "\
affected: 1 item in trade, 1 item sold, 2 lots
possibly affected: 1 lot

/01/09521041000114/10/1  seen 2026-06-01T01:00:00Z
├─ made into /01/09521041001012/10/L  Demo tin  seen 2026-06-01T01:00:00Z
│  ├─ item /01/09521041001012/21/A  Demo tin  sold 2026-06-01T05:00:00Z at =Shop
│  └─ item /01/09521041001012/21/B  Demo tin  seen 2026-06-01T04:00:00Z at =Shop in /00/095210410000000015
└─ made into /01/09521041000022/10/M  possibly  seen 2026-06-01T01:00:00Z

held by
/00/095210410000000015  from 2026-06-01T03:00:00Z

passed on
/417/9521041000008 → /417/9521072000008  2026-06-01T04:00:00Z
";
    let merchant = ["--merchant", &app.merchant_id.to_string()];
    let said = rootmark(
        &app,
        &[&["trace", POWDER, "--forward"][..], &merchant].concat(),
    )
    .await;
    assert_eq!(
        (said.code, said.out.as_str()),
        (0, expected),
        "{}",
        said.err
    );
    // The powder has no product of its own: without the merchant nobody knows whose it is.
    let said = rootmark(&app, &["trace", POWDER, "--forward"]).await;
    let none = format!("NO: there is no record of {POWDER}\n");
    assert_eq!((said.code, said.out.as_str()), (1, none.as_str()));
    // From a time on.
    let lot = "/01/09521041001012/10/L";
    let late = ["trace", lot, "--forward", "--since", "2026-06-01T04:30:00Z"];
    let said = rootmark(&app, &late).await;
    let counts = "affected: 1 lot\npossibly affected: 1 item in trade, 1 item sold\n";
    assert!(said.out.starts_with(counts), "{}", said.out);
    // As it was known before anything was recorded.
    let long_ago = ["trace", lot, "--forward", "--at", "2020-01-01T00:00:00Z"];
    let said = rootmark(&app, &long_ago).await;
    assert_eq!(said.code, 1, "{}", said.out);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_has_a_row_for_each_thing_and_a_machine_gets_one_object() {
    let app = sold().await;
    let lot = "/01/09521041001012/10/L";
    let said = rootmark(&app, &["trace", lot, "--forward", "--csv"]).await;
    let rows: Vec<&str> = said.out.lines().collect();
    assert_eq!(said.code, 0);
    assert_eq!(rows.len(), 4);
    assert!(rows[0].starts_with("\u{feff}certainty,kind,identity,product,productChinese,since,"));
    let sold = "affected,item,https://id.gs1.org/01/09521041001012/21/A,Demo tin,演示奶粉,,itemOf,\
                https://id.gs1.org/01/09521041001012/10/L,sold,2026-06-01T05:00:00.000Z,\
                2026-06-01T05:00:00.000Z,https://id.gs1.org/414/9522040000006/254/1,'=Shop,万物店,\
                https://id.gs1.org/417/9521072000008,,,";
    assert_eq!(rows[2], sold);
    let said = rootmark(&app, &["trace", lot, "--forward", "--json"]).await;
    let found = said.json();
    assert_eq!(found["isTruncated"], false);
    assert_eq!(
        found["starts"],
        json!([{"identity": format!("https://id.gs1.org{lot}"), "certainty": "affected"}])
    );
    let counts = json!([
        {"certainty": "affected", "kind": "item", "fate": "inTrade", "things": 1},
        {"certainty": "affected", "kind": "item", "fate": "sold", "things": 1},
        {"certainty": "affected", "kind": "lot", "things": 1},
    ]);
    assert_eq!(found["counts"], counts);
    let held = json!({
        "identity": "https://id.gs1.org/01/09521041001012/21/B",
        "kind": "item",
        "certainty": "affected",
        "connection": "itemOf",
        "from": format!("https://id.gs1.org{lot}"),
        "fate": "inTrade",
        "seen": {
            "time": "2026-06-01T04:00:00.000Z",
            "place": "https://id.gs1.org/414/9522040000006/254/1",
            "party": "https://id.gs1.org/417/9521072000008",
            "inside": ["https://id.gs1.org/00/095210410000000015"],
        },
    });
    assert_eq!(found["things"][2], held);
    let passed = json!([{
        "from": "https://id.gs1.org/417/9521041000008",
        "to": "https://id.gs1.org/417/9521072000008",
        "first": "2026-06-01T04:00:00.000Z",
        "last": "2026-06-01T04:00:00.000Z",
        "events": 1,
    }]);
    assert_eq!(found["passages"], passed);
    // A table is one of a forward trace, and one form at a time.
    for wrong in [
        &["--csv"][..],
        &["--since", "2026-06-01T00:00:00Z"],
        &["--forward", "--csv", "--json"],
        &["--forward", "--codes", "--json"],
        &["--forward", "--codes"],
    ] {
        let said = rootmark(&app, &[&["trace", lot], wrong].concat()).await;
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{wrong:?}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_a_recall_all_that_it_names_is_followed() {
    let app = sold().await;
    let merchant = ["--merchant", &app.merchant_id.to_string()];
    let forward = async |uri: &str| {
        let arguments = ["trace", "--recall", uri];
        rootmark(&app, &[&arguments[..], &merchant].concat()).await
    };
    let name = json!({"zh-CN": "名", "en": "Name"});
    let recall = |scope: &[&str]| {
        let scope: Vec<String> = scope.iter().map(|name| uri(name)).collect();
        json!({"recall": "urn:example:recall:7", "status": "open", "recallClass": 2,
            "scope": scope, "reason": name, "instructions": name,
            "contact": {"name": name, "phone": "400-000-0000"}})
    };
    let said = forward("urn:example:recall:7").await;
    let none = "NO: there is no record of urn:example:recall:7\n";
    assert_eq!((said.code, said.out.as_str()), (1, none));
    let opened = app
        .post("/api/recalls", recall(&["tin:A"]).to_string())
        .await;
    assert_eq!(opened.status(), 201);
    let said = forward("urn:example:recall:7").await;
    assert!(
        said.out.starts_with("affected: 1 item sold\n"),
        "{}",
        said.out
    );
    // Widened, it is all that it names by now.
    let widened = recall(&["tin:A", "lot:L"]).to_string();
    assert_eq!(app.post("/api/recalls", widened).await.status(), 201);
    let said = forward("urn:example:recall:7").await;
    let counts = "affected: 1 item in trade, 1 item sold, 1 lot\n";
    assert!(said.out.starts_with(counts), "{}", said.out);
    for wrong in [
        &[
            "--recall",
            "urn:example:recall:7",
            "/01/09521041001012/10/L",
        ][..],
        &[
            "--recall",
            "urn:example:recall:7",
            "--since",
            "2026-06-01T00:00:00Z",
        ],
        &["--recall", "urn:example:recall:7", "--for", "merchant"],
        &["--forward"],
    ] {
        let said = rootmark(&app, &[&["trace"], wrong].concat()).await;
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{wrong:?}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_wrongly_is_told_with_an_example_of_its_own() {
    let app = sold().await;
    let (room, party) = ("/414/9522040000006", "/417/9521072000008");
    for (wrong, says) in [
        (
            &["--place", "Shop"][..],
            "--place: it is the GLN of a place (AI 414), such as /414/",
        ),
        (
            &["--place", party],
            "--place: it is the GLN of a place (AI 414)",
        ),
        (
            &["--party", room],
            "--party: it is the GLN of a party (AI 417), such as /417/",
        ),
        (
            &["--place", "/414/9522040000007"],
            "--place: the check digit",
        ),
        (
            &["--place", room, "--since", "2999-01-01T00:00:00Z"],
            "--since lies after now",
        ),
        (
            &[
                "--place",
                room,
                "--since",
                "2026-06-02T00:00:00Z",
                "--at",
                "2026-06-01T00:00:00Z",
            ],
            "--since lies after --at",
        ),
    ] {
        let said = rootmark(&app, &[&["trace"], wrong].concat()).await;
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{wrong:?}");
        assert!(said.err.contains(says), "{wrong:?}: {}", said.err);
    }
    // A path will do, as for a code.
    for there in [["--place", "/414/9522040000006/254/1"], ["--party", party]] {
        let said = rootmark(&app, &[&["trace"], &there[..]].concat()).await;
        assert_eq!(said.code, 0, "{there:?}: {}", said.err);
        assert!(said.out.starts_with("affected: "), "{}", said.out);
    }
    // Assets, and whatever else events name, are followed too.
    let other = "https://brand.example/container/7";
    app.capture(&[pack(6, "tote:1", &["tin:A"]), pack(7, other, &["tin:B"])])
        .await;
    let tote = uri("tote:1");
    for (asset, inside) in [
        (tote.as_str(), "/21/A"),
        (&tote["https://id.gs1.org".len()..], "/21/A"),
        (other, "/21/B"),
    ] {
        let said = rootmark(&app, &["trace", asset, "--forward"]).await;
        assert_eq!(said.code, 0, "{asset}: {}", said.err);
        assert!(
            said.out
                .contains(&format!("held /01/09521041001012{inside}")),
            "{}",
            said.out
        );
        let said = rootmark(&app, &["trace", asset]).await;
        assert_eq!(said.code, 2, "{asset}");
    }
    for (wrong, says) in [
        ("/8003/095210410000011", "CODE: the check digit"),
        ("Shop", "CODE: "),
    ] {
        let said = rootmark(&app, &["trace", wrong, "--forward"]).await;
        assert!(
            said.code == 2 && said.err.contains(says),
            "{wrong}: {}",
            said.err
        );
    }
    // Of what is not there, a machine gets an object too.
    let nobody = "/417/9522050000003";
    for (ask, subject) in [
        (
            &["--party", nobody][..],
            format!("https://id.gs1.org{nobody}"),
        ),
        (
            &["--recall", "urn:example:recall:9"],
            "urn:example:recall:9".to_owned(),
        ),
        (&["/01/09521041001012/21/Z"], uri("tin:Z")),
        (&["/01/09521041001012/21/Z", "--forward"], uri("tin:Z")),
    ] {
        let said = rootmark(&app, &[&["trace"], ask, &["--json"]].concat()).await;
        assert_eq!(said.code, 1, "{ask:?}");
        assert_eq!(
            said.json(),
            json!({"subject": subject, "isOnRecord": false})
        );
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_leads_to_one_another_in_a_circle_is_printed_once() {
    let app = TestApp::start().await;
    app.capture(&[
        make(2, &["lot:L"], &["powder:1"]),
        make(2, &["powder:1"], &["powder:2"]),
        make(2, &["powder:2"], &["powder:1"]),
    ])
    .await;
    let said = rootmark(&app, &["trace", "/01/09521041001012/10/L", "--forward"]).await;
    assert!(said.out.starts_with("affected: 3 lots\n"), "{}", said.out);
    for lot in ["/01/09521041000114/10/1", "/01/09521041000114/10/2"] {
        assert_eq!(said.out.matches(lot).count(), 1, "{}", said.out);
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_no_further_has_what_he_wanted() {
    let app = sold().await;
    let merchant = app.merchant_id.to_string();
    let tin = "/01/09521041001012/21/A";
    let forward = ["trace", POWDER, "--forward", "--merchant", &merchant];
    for arguments in [
        vec!["trace", tin],
        vec!["trace", tin, "--json"],
        forward.to_vec(),
        [&forward[..], &["--json"]].concat(),
        [&forward[..], &["--csv"]].concat(),
    ] {
        let mut command = command(&app.settings, &arguments, &[]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // As `head` does once it has its lines.
        drop(child.stdout.take());
        let ended = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap());
        let ended = ended.await.unwrap();
        let err = String::from_utf8(ended.stderr).unwrap();
        assert!(ended.status.success(), "{arguments:?}: {err}");
        assert_eq!(err, "", "{arguments:?}");
    }
    app.stop().await;
}
