//! Links that a merchant adds to a product, a lot or an item.

use rootmark::app::merchants::acting;
use rootmark::capture::record_master;
use rootmark::domain::scope::Scope;
use rootmark::domain::statement::Kind;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::kit::{Page, ask, issue, link, linkset, location, lot_path};
use crate::support::{GTIN, TestApp, document};

const INSTRUCTIONS: &str = "gs1:instructions";

/// Where a path leads for a link type and headers.
async fn leads(app: &TestApp, path: &str, link_type: &str, headers: &[(&str, &str)]) -> String {
    let answer = ask(app, &format!("{path}?linkType={link_type}"), headers).await;
    match answer.status().as_u16() {
        307 => {
            let target = location(&answer);
            target
                .split_once("?linkType=")
                .map_or(target.clone(), |(href, _)| href.to_owned())
        }
        other => other.to_string(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_has_the_links_of_its_lot_and_product_and_the_nearest_of_each_type_wins() {
    let app = TestApp::start().await;
    let code = issue(&app, Some("L1"), 1).await.remove(0);
    let serial = format!("/21/{}", code.rsplit('/').next().unwrap());
    for (level, link_type, href) in [
        ("", INSTRUCTIONS, "https://brand.example/product"),
        ("", "gs1:recipeInfo", "https://brand.example/recipes"),
        ("/10/L1", INSTRUCTIONS, "https://brand.example/lot"),
        ("/10/L2", "gs1:faqs", "https://brand.example/another-lot"),
        (
            serial.as_str(),
            "gs1:certificationInfo",
            "https://brand.example/item",
        ),
    ] {
        assert_eq!(
            link(&app, level, link_type, href, json!({})).await,
            201,
            "{href}"
        );
    }
    let (item, lot, product) = (code.as_str(), lot_path("L1"), format!("/01/{GTIN}"));
    for (path, link_type, href) in [
        (item, INSTRUCTIONS, "https://brand.example/lot"),
        (item, "gs1:recipeInfo", "https://brand.example/recipes"),
        (item, "gs1:certificationInfo", "https://brand.example/item"),
        (item, "gs1:faqs", "404"),
        (&lot, INSTRUCTIONS, "https://brand.example/lot"),
        (&lot, "gs1:certificationInfo", "404"),
        (&product, INSTRUCTIONS, "https://brand.example/product"),
        (&product, "gs1:certificationInfo", "404"),
    ] {
        assert_eq!(
            leads(&app, path, link_type, &[]).await,
            href,
            "{path} {link_type}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_link_of_the_same_slot_replaces_the_earlier_and_null_withdraws_it() {
    let app = TestApp::start().await;
    let path = format!("/01/{GTIN}");
    let zh = json!({"hreflang": ["zh-CN"]});
    assert_eq!(
        link(&app, "", INSTRUCTIONS, "https://brand.example/1", json!({})).await,
        201
    );
    assert_eq!(
        link(
            &app,
            "",
            INSTRUCTIONS,
            "https://brand.example/zh",
            zh.clone()
        )
        .await,
        201
    );
    // Said again, though another link was said since: nothing new.
    assert_eq!(
        link(&app, "", INSTRUCTIONS, "https://brand.example/1", json!({})).await,
        200
    );
    assert_eq!(
        link(&app, "", INSTRUCTIONS, "https://brand.example/2", json!({})).await,
        201
    );
    let english = [("Accept-Language", "en")];
    assert_eq!(
        leads(&app, &path, INSTRUCTIONS, &english).await,
        "https://brand.example/2"
    );
    let withdraw = async |more: Value| {
        let mut body = json!({
            "anchor": format!("https://id.gs1.org{path}"), "linkType": INSTRUCTIONS, "href": null
        });
        body["hreflang"] = more;
        app.post("/api/links", body.to_string())
            .await
            .status()
            .as_u16()
    };
    assert_eq!(
        withdraw(json!(["en"])).await,
        400,
        "there is none to withdraw"
    );
    assert_eq!(withdraw(json!([])).await, 201);
    assert_eq!(withdraw(json!([])).await, 200, "said again");
    assert_eq!(
        leads(&app, &path, INSTRUCTIONS, &english).await,
        "https://brand.example/zh"
    );
    assert_eq!(withdraw(json!(["zh-cn"])).await, 201);
    assert_eq!(leads(&app, &path, INSTRUCTIONS, &english).await, "404");
    assert_eq!(
        link(&app, "", INSTRUCTIONS, "https://brand.example/1", json!({})).await,
        201
    );
    assert_eq!(
        leads(&app, &path, INSTRUCTIONS, &english).await,
        "https://brand.example/1"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_links_language_decides_then_media_type_and_what_is_left_is_a_300() {
    let app = TestApp::start().await;
    let path = format!("/01/{GTIN}");
    for (href, more) in [
        (
            "https://brand.example/zh",
            json!({"hreflang": ["zh-CN"], "type": "text/html"}),
        ),
        (
            "https://brand.example/tw",
            json!({"hreflang": ["zh-TW"], "type": "text/html"}),
        ),
        (
            "https://brand.example/en",
            json!({"hreflang": ["en"], "type": "text/html"}),
        ),
        (
            "https://brand.example/en.pdf",
            json!({"hreflang": ["en"], "type": "application/pdf"}),
        ),
    ] {
        assert_eq!(link(&app, "", INSTRUCTIONS, href, more).await, 201);
    }
    for (language, accept, href) in [
        ("zh-CN", "*/*", "https://brand.example/zh"),
        ("zh-Hans-CN, en;q=0.9", "*/*", "https://brand.example/zh"),
        ("zh-TW, zh;q=0.9", "*/*", "https://brand.example/tw"),
        ("en-GB", "text/html, */*;q=0.1", "https://brand.example/en"),
        (
            "en-GB, zh;q=0.9",
            "application/pdf, text/html;q=0.9",
            "https://brand.example/en.pdf",
        ),
        ("en;q=0.1, zh-CN;q=0.2", "*/*", "https://brand.example/zh"),
        ("fr", "application/pdf", "https://brand.example/en.pdf"),
        ("en", "*/*", "300"),
        ("zh", "*/*", "300"),
        ("fr", "*/*", "300"),
    ] {
        let headers = [("Accept-Language", language), ("Accept", accept)];
        assert_eq!(
            leads(&app, &path, INSTRUCTIONS, &headers).await,
            href,
            "{language} {accept}"
        );
    }
    let asked = format!("{path}?linkType={INSTRUCTIONS}");
    let page = Page::get(&app, &asked, "en").await;
    assert_eq!(
        (page.status, page.text("h1")),
        (300, "Several links to choose from".into())
    );
    let expected = ["https://brand.example/en", "https://brand.example/en.pdf"]
        .map(|href| format!("{href}?linkType={INSTRUCTIONS}"));
    assert_eq!(page.attributes(".links a", "href"), expected);
    let json = [
        ("Accept", "application/linkset+json"),
        ("Accept-Language", "en"),
    ];
    let answer = ask(&app, &asked, &json).await;
    assert_eq!(answer.status(), 300);
    assert_eq!(answer.headers()["Content-Type"], "application/linkset+json");
    let found: Value = answer.json().await.unwrap();
    let offers = &found["linkset"][0]["https://ref.gs1.org/voc/instructions"];
    assert_eq!(offers.as_array().map(Vec::len), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_context_chooses_where_a_link_has_it_and_says_nothing_where_none_has() {
    let app = TestApp::start().await;
    let path = format!("/01/{GTIN}");
    let cn = json!({"context": "cn", "hreflang": ["en"]});
    link(&app, "", "gs1:hasRetailers", "https://brand.example/cn", cn).await;
    let nz = json!({"context": "nz", "hreflang": ["en-NZ"]});
    link(&app, "", "gs1:hasRetailers", "https://brand.example/nz", nz).await;
    for (context, status, href) in [
        ("cn", 307, "https://brand.example/cn"),
        ("nz", 307, "https://brand.example/nz"),
        ("fr", 300, ""),
    ] {
        let answer = app
            .get(&format!(
                "{path}?context={context}&linkType=gs1:hasRetailers"
            ))
            .await;
        assert_eq!(answer.status(), status, "{context}");
        if status == 307 {
            assert!(location(&answer).starts_with(href));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merchant_links_its_own_products_and_a_wrong_link_is_refused_by_its_field() {
    let app = TestApp::start().await;
    let issuer = "https://id.gs1.org/417/9521072000008";
    let other = app.add_merchant("Redspur Demo", issuer).await;
    let key = app.key_of(other.id, issuer, &Scope::ALL).await;
    let body = |gtin: &str, href: &str| {
        let anchor = format!("https://id.gs1.org/01/{gtin}");
        json!({"anchor": anchor, "linkType": "gs1:faqs", "href": href, "title": "FAQ"}).to_string()
    };
    let (own, nobodys) = (GTIN, "09521072001012");
    for (key, gtin, status) in [
        (&key, own, 403),
        (&key, nobodys, 403),
        (&app.key, nobodys, 403),
        (&app.key, own, 201),
    ] {
        let answer = app
            .post_as(key, "/api/links", body(gtin, "https://brand.example/"))
            .await;
        assert_eq!(answer.status(), status, "{gtin}");
    }
    let answer = app
        .post("/api/links", body(GTIN, "javascript:alert(1)"))
        .await;
    assert_eq!(answer.status(), 400);
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["errors"][0]["pointer"], "/href");
    let path = format!("/01/{GTIN}");
    assert_eq!(
        leads(&app, &path, "gs1:faqs", &[]).await,
        "https://brand.example/"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn forty_links_fit_and_one_more_takes_the_place_of_another_only() {
    let app = TestApp::start().await;
    for number in 0..40 {
        let link_type = format!("gs1:type{number}");
        assert_eq!(
            link(&app, "", &link_type, "https://brand.example/", json!({})).await,
            201
        );
    }
    assert_eq!(
        link(&app, "", "gs1:type40", "https://brand.example/", json!({})).await,
        400
    );
    assert_eq!(
        link(
            &app,
            "",
            "gs1:type7",
            "https://brand.example/new",
            json!({})
        )
        .await,
        201
    );
    assert_eq!(
        link(
            &app,
            "/10/L1",
            "gs1:type40",
            "https://brand.example/",
            json!({})
        )
        .await,
        201
    );
    let page = Page::get(&app, &format!("/01/{GTIN}"), "en").await;
    assert_eq!(page.texts(".links li").len(), 40);
    let withdrawn = json!({"href": null});
    assert_eq!(link(&app, "", "gs1:type0", "", withdrawn).await, 201);
    assert_eq!(
        link(&app, "", "gs1:type40", "https://brand.example/", json!({})).await,
        201
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_shows_the_readers_links_as_the_merchants_words_and_the_proof_holds_them() {
    let app = TestApp::start().await;
    app.capture(&[document::observation(1, "L1")]).await;
    let path = lot_path("L1");
    assert!(
        Page::get(&app, &path, "en")
            .await
            .texts(".links")
            .is_empty()
    );
    let zh = json!({"title": "冲调说明", "hreflang": ["zh-CN"]});
    link(&app, "", INSTRUCTIONS, "https://brand.example/zh", zh).await;
    let en = json!({"title": "How to <mix>", "hreflang": ["en"]});
    link(&app, "/10/L1", INSTRUCTIONS, "https://brand.example/en", en).await;
    link(
        &app,
        "",
        "gs1:faqs",
        "https://brand.example/faq",
        json!({"title": "FAQ"}),
    )
    .await;
    app.sealed().await;
    for (language, titles) in [
        ("en", ["How to <mix>", "FAQ"]),
        ("zh-CN", ["How to <mix>", "FAQ"]),
    ] {
        let page = Page::get(&app, &path, language).await;
        assert_eq!(
            page.texts(".links a"),
            titles,
            "the nearest level wins for its type"
        );
        assert_eq!(page.texts(".links .src").len(), 2);
        for rel in page.attributes(".links a", "rel") {
            assert_eq!(rel, "external noopener noreferrer");
        }
        assert!(
            page.texts(".links .meta")
                .iter()
                .all(|words| words.ends_with("brand.example"))
        );
    }
    let proof = app.get_text(&format!("/proof{path}")).await;
    for href in ["https://brand.example/zh", "https://brand.example/en"] {
        assert!(proof.contains(href), "everything shown is logged");
    }
}

/// Blocks of the database that the query of links reads, as Postgres counts them itself.
async fn blocks_read(conn: &mut PgConnection, app: &TestApp, identity: &str) -> i64 {
    let query = include_str!("../../src/store/statement.rs");
    let query = query.split("pub async fn links_of").nth(1).unwrap();
    let query = query
        .split("r#\"")
        .nth(1)
        .unwrap()
        .split("\"#")
        .next()
        .unwrap();
    // The names that sqlx reads are no SQL of the query's own.
    let query = query
        .replace(" AS \"recorded_at!\"", "")
        .replace(" AS \"first_index?\"", "");
    let key = rootmark::domain::identity_key::identity_key(identity);
    let text = query
        .replace("$1", &format!("'{}'::uuid", app.merchant_id))
        .replace("$2", &format!("ARRAY[{key}]"))
        .replace("$3", "800");
    let explain = format!("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {text}");
    let plan: Value = sqlx::query_scalar(AssertSqlSafe(explain))
        .fetch_one(conn)
        .await
        .unwrap();
    let plan = &plan[0]["Plan"];
    plan["Shared Hit Blocks"].as_i64().unwrap() + plan["Shared Read Blocks"].as_i64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_links_of_a_lot_of_many_items_cost_no_more_than_those_of_a_lot_of_ten() {
    let app = TestApp::start().await;
    let lot = format!("https://id.gs1.org{}", lot_path("L1"));
    link(
        &app,
        "/10/L1",
        INSTRUCTIONS,
        "https://brand.example/",
        json!({}),
    )
    .await;
    app.sealed().await;
    let mut conn = app.owner().await;
    let key = rootmark::domain::identity_key::identity_key(&lot);
    // As a document of a thousand items writes them: a row of the lot for each.
    let items = |count: u32| {
        format!(
            "INSERT INTO trace_index
                 (merchant_id, identity_key, event_time, recorded_at, batch_id, position, role, turn, items)
             SELECT '{}', {key}, now(), now(), gen_random_uuid(), n % 500, 6, 0, 0 FROM generate_series(1, {count}) n",
            app.merchant_id
        )
    };
    let mut measured = Vec::new();
    for more in [10, 99_990] {
        let insert = sqlx::raw_sql(AssertSqlSafe(items(more)))
            .execute(&mut conn)
            .await;
        assert_eq!(insert.unwrap().rows_affected(), u64::from(more));
        sqlx::raw_sql("ANALYZE trace_index")
            .execute(&mut conn)
            .await
            .unwrap();
        measured.push(blocks_read(&mut conn, &app, &lot).await);
    }
    // The index of each partition is a level or two higher.
    assert!(
        measured[1] <= measured[0] + 8,
        "blocks for ten and for 100,000 items: {measured:?}"
    );
    // The negative twin: without the index in the order of roles, every item's row is passed over.
    let mut tx = conn.begin().await.unwrap();
    sqlx::raw_sql("ALTER TABLE trace_index DROP CONSTRAINT trace_index_pkey")
        .execute(&mut *tx)
        .await
        .unwrap();
    let without = blocks_read(&mut tx, &app, &lot).await;
    tx.rollback().await.unwrap();
    assert!(
        without > 10 * measured[1],
        "{without} without the index, {measured:?} with it"
    );
    let found = linkset(&app, &format!("/01/{GTIN}")).await;
    assert_eq!(found["linkset"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn four_hundred_links_are_taken_of_one_anchor_and_after_them_only_withdrawals() {
    let app = TestApp::start().await;
    let (database, codes) = (&app.running.database, &app.running.code_key);
    let submitter = acting(database, codes, Some("Larkmere Demo"), None)
        .await
        .unwrap();
    let mut conn = app.running.database.capture.acquire().await.unwrap();
    let mut say = async |href: String| {
        let body = format!(
            r#"{{"anchor":"https://id.gs1.org/01/{GTIN}","linkType":"gs1:faqs","href":{href},"title":"x"}}"#
        );
        let now = time::OffsetDateTime::now_utc();
        let said = record_master(&mut conn, &submitter, Kind::Link, &body, now).await;
        said.map(|recorded| recorded.is_new)
            .map_err(|error| error.to_string())
    };
    for number in 0..400 {
        assert_eq!(
            say(format!("\"https://brand.example/{number}\"")).await,
            Ok(true),
            "{number}"
        );
    }
    let refused = say("\"https://brand.example/400\"".to_owned())
        .await
        .unwrap_err();
    assert!(refused.contains("400 links were said"), "{refused}");
    assert_eq!(
        say("\"https://brand.example/399\"".to_owned()).await,
        Ok(false),
        "a repeat"
    );
    let path = format!("/01/{GTIN}");
    assert_eq!(
        leads(&app, &path, "gs1:faqs", &[]).await,
        "https://brand.example/399"
    );
    assert_eq!(say("null".to_owned()).await, Ok(true));
    assert_eq!(leads(&app, &path, "gs1:faqs", &[]).await, "404");
}
