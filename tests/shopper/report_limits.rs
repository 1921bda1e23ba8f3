//! What is not taken as a report, and how much of it.

use std::time::Duration;

use auditlog::encoding::to_hex;
use rootmark::cases::{MAX_OF_CASE, MAX_OF_NETWORK, MAX_OF_NETWORK_AND_CODE};
use rootmark::domain::photo::MAX_SENT_BYTES;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::kit::{Page, issue};
use crate::reports::{REPORT, Sent, alter, cases, keyed};
use crate::scans::behind_a_proxy;
use crate::support::picture;

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_not_taken_says_why_and_keeps_what_was_typed() {
    let app = behind_a_proxy().await;
    let key = keyed(&app).await;
    let code = issue(&app, Some("L1"), 1).await.remove(0);
    let long = "x".repeat(1_001);
    let huge = vec![0xff; MAX_SENT_BYTES + 1];
    let bomb = picture::png(6_500, 4_001, 0);
    for (sent, status, fault) in [
        (
            Sent {
                matter: "",
                ..REPORT
            },
            400,
            "choose what is wrong",
        ),
        (
            Sent {
                matter: "theft",
                ..REPORT
            },
            400,
            "choose what is wrong",
        ),
        (
            Sent {
                words: &long,
                ..REPORT
            },
            400,
            "At most 1000 characters",
        ),
        (
            Sent {
                words: "a\u{7}b",
                ..REPORT
            },
            400,
            "control characters",
        ),
        (
            Sent {
                photo: b"GIF89a".to_vec(),
                ..REPORT
            },
            400,
            "not a photo that can be read",
        ),
        (
            Sent {
                photo: picture::png(200, 200, 1)[..100].to_vec(),
                ..REPORT
            },
            400,
            "damaged or cut off",
        ),
        (
            Sent {
                photo: bomb,
                ..REPORT
            },
            400,
            "more than 26 million pixels",
        ),
        (
            Sent {
                photo: huge,
                ..REPORT
            },
            413,
            "larger than 8 MB",
        ),
    ] {
        let page = sent.page(&app, &code).await;
        assert_eq!(page.status, status, "{fault}");
        assert!(
            page.text("[role=alert]").contains(fault),
            "{}",
            page.text("[role=alert]")
        );
        assert_eq!(page.text("textarea"), words_of(sent.words));
        let chosen = page.attributes("input[checked]", "value");
        assert_eq!(chosen, ["pack"][..usize::from(sent.matter == "pack")]);
        // The same form may be sent again.
        assert_eq!(
            page.attribute("input[name=form]", "value"),
            to_hex(&[1; 16])
        );
    }
    let broken = REPORT.request(&app, &code).body("------7d3f\r\nhalf of it");
    let plain = app.http.post(app.url(&format!("/report{code}?lang=en")));
    let plain = plain.header("Content-Type", "text/plain").body("pack");
    let of_others = REPORT
        .request(&app, &code)
        .header("Sec-Fetch-Site", "cross-site");
    for (request, what) in [
        (broken, "broken"),
        (plain, "plain"),
        (of_others, "of others"),
    ] {
        let page = Page::of(request.send().await.unwrap()).await;
        assert_eq!(page.status, 400, "{what}");
        assert!(
            page.text("[role=alert]").contains("did not arrive in full"),
            "{what}"
        );
    }
    assert_eq!(cases(&app, &key, "").await.len(), 0);
    let fine = Sent {
        words: "",
        ..REPORT
    };
    fine.number(&app, &code).await;
    app.stop().await;
}

/// As a reader sees it.
fn words_of(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_sends_slowly_keeps_nobody_else_out() {
    let app = behind_a_proxy().await;
    let code = issue(&app, Some("L1"), 1).await.remove(0);
    let host = app.running.url.strip_prefix("http://").unwrap().to_owned();
    let head = format!(
        "POST /report{code} HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-For: 203.0.113.1\r\n\
         Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n--b\r\n"
    );
    // Once two are held, a third of that network is not, and gives back a form with a name of its own.
    let mut slow = Vec::new();
    let refused = loop {
        let mut connection = TcpStream::connect(&host).await.unwrap();
        connection.write_all(head.as_bytes()).await.unwrap();
        slow.push(connection);
        let sent = Sent {
            form: [7; 16],
            ..REPORT
        };
        let page = sent.page(&app, &code).await;
        if page.status != 200 {
            break page;
        }
    };
    assert_eq!(refused.status, 503);
    assert!(refused.text("[role=alert]").contains("Too many people"));
    let name = refused.attribute("input[name=form]", "value");
    assert!(
        name != to_hex(&[0; 16]) && name != to_hex(&[7; 16]),
        "{name}"
    );
    Sent {
        address: "198.51.100.1",
        ..REPORT
    }
    .number(&app, &code)
    .await;
    // Whoever goes away leaves the place.
    drop(slow);
    while REPORT.page(&app, &code).await.status != 200 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // The name that a form without one would have is nobody's.
    let unnamed = Sent {
        form: [0; 16],
        ..REPORT
    }
    .page(&app, &code)
    .await;
    assert_eq!(unnamed.status, 400);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_fills_a_merchants_cases_from_one_place_or_without_end() {
    let app = behind_a_proxy().await;
    let key = keyed(&app).await;
    let codes = issue(&app, Some("L1"), 10).await;
    let mut form = [0; 16];
    let mut next = || {
        form[0] += 1;
        form
    };
    for _ in 0..MAX_OF_NETWORK_AND_CODE {
        Sent {
            form: next(),
            ..REPORT
        }
        .number(&app, &codes[0])
        .await;
    }
    // Its neighbour's address counts as the same network.
    let refused = Sent {
        form: next(),
        address: "203.0.113.77",
        ..REPORT
    };
    let refused = refused.page(&app, &codes[0]).await;
    assert_eq!(refused.status, 429);
    assert!(
        refused
            .text("[role=alert]")
            .contains("as many reports today")
    );
    assert_eq!(refused.text("textarea"), "The seal was broken.");
    for n in MAX_OF_NETWORK_AND_CODE..MAX_OF_NETWORK {
        let code = &codes[1 + n as usize / 3];
        Sent {
            form: next(),
            ..REPORT
        }
        .number(&app, code)
        .await;
    }
    let refused = Sent {
        form: next(),
        ..REPORT
    }
    .page(&app, &codes[9])
    .await;
    assert_eq!(refused.status, 429);
    // From everywhere, one code.
    for network in 0..MAX_OF_CASE {
        let address = format!("198.51.{network}.1");
        let sent = Sent {
            form: next(),
            address: &address,
            ..REPORT
        };
        sent.number(&app, &codes[9]).await;
    }
    let refused = Sent {
        form: next(),
        address: "192.0.2.1",
        ..REPORT
    };
    let refused = refused.page(&app, &codes[9]).await;
    assert_eq!(refused.status, 429);
    assert!(
        refused
            .text("[role=alert]")
            .contains("So many reports are waiting")
    );
    // As many cases and pictures as are kept.
    let fill = format!(
        "INSERT INTO problem_case (merchant_id, id, code, cause, opened_at)
         SELECT '{}', gen_random_uuid(), 'c' || n, 'report', now() FROM generate_series(1, 1000) AS n",
        app.merchant_id
    );
    alter(&app, &fill).await;
    let another = Sent {
        form: next(),
        address: "192.0.2.1",
        ..REPORT
    };
    assert_eq!(
        another.page(&app, "/01/09521041001012/21/X").await.status,
        429
    );
    another.number(&app, &codes[0]).await;
    alter(&app, "DELETE FROM problem_case WHERE code LIKE 'c%'").await;
    let fill = "INSERT INTO report (merchant_id, case_id, number, digest, network, recorded_at, matter, picture)
        SELECT merchant_id, case_id, 100 + n, decode(lpad(to_hex(n), 32, '0'), 'hex'), network, now(), 'other', 'x'
        FROM report, generate_series(1, 1000) AS n
        WHERE number = 1 AND case_id = (SELECT min(case_id::text)::uuid FROM report)";
    alter(&app, fill).await;
    let mut another = Sent {
        form: next(),
        address: "192.0.3.1",
        ..REPORT
    };
    another.photo = picture::png(200, 200, 1);
    let kept = another.page(&app, &codes[8]).await;
    assert_eq!(kept.status, 200);
    assert!(
        kept.text(".todo")
            .contains("has as many photos as are kept")
    );
    assert!(
        kept.attributes(".switch", "href").is_empty(),
        "a number is shown once"
    );
    assert!(cases(&app, &key, "").await.len() > 5);
    app.stop().await;
}
