//! What a product looks like: sent, named by a description, shown, changed, and erased.

use std::path::Path;

use auditlog::Hash;
use rootmark::domain::scope::Scope;
use serde_json::{Value, json};

use crate::drawing;
use crate::kit::{LANGUAGES, Page};
use crate::support::picture::{member, png};
use crate::support::{GTIN, TestApp};

/// A description of the first product that names a picture, or none.
fn described(gtin: &str, picture: Option<&[u8]>) -> String {
    let picture = picture.map(|bytes| format!(r#","picture":{}"#, member(bytes)));
    format!(
        r#"{{"gtin":"https://id.gs1.org/01/{gtin}","productName":{{"zh-CN":"演示奶粉","en":"Demo tin"}}{}}}"#,
        picture.unwrap_or_default()
    )
}

fn path(bytes: &[u8]) -> String {
    format!("/picture/{GTIN}/{}", Hash::of(&[bytes]).to_hex())
}

/// Sends a picture and describes the first product with it.
async fn shown(app: &TestApp, bytes: &[u8]) {
    let sent = app
        .send_picture(&app.key, "image/png", bytes.to_vec())
        .await;
    assert!(sent.status().is_success());
    let answer = app
        .post("/api/products", described(GTIN, Some(bytes)))
        .await;
    assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap());
}

/// Status and detail of a refusal.
async fn refusal(answer: reqwest::Response) -> (u16, String) {
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap();
    let error = body["errors"][0]["pointer"].as_str().unwrap_or_default();
    (
        status,
        format!("{error} {}", body["detail"].as_str().unwrap()),
    )
}

async fn delete(app: &TestApp, key: &str, bytes: &[u8]) -> reqwest::Response {
    let path = format!("/api/pictures/{}", Hash::of(&[bytes]).to_hex());
    let request = app.http.delete(app.url(&path)).bearer_auth(key);
    request.send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_a_description_names_is_on_the_page_and_cached() {
    let app = TestApp::start().await;
    let tin = png(160, 240, 30);
    let sent = app.send_picture(&app.key, "image/png", tin.clone()).await;
    assert_eq!(sent.status(), 201);
    // The answer is the very member.
    assert_eq!(sent.text().await.unwrap(), member(&tin));
    assert_eq!(app.get(&path(&tin)).await.status(), 404, "not named yet");
    shown(&app, &tin).await;
    app.sealed().await;
    for (language, alt) in LANGUAGES.into_iter().zip([
        "商家提供的图片：演示奶粉",
        "The merchant’s picture of Demo tin",
    ]) {
        let page = Page::get(&app, &format!("/01/{GTIN}"), language).await;
        assert_eq!(page.attributes(".id-pic img", "src"), [path(&tin)]);
        assert_eq!(page.attribute(".id-pic img", "alt"), alt);
        let sides = ["width", "height"].map(|side| page.attribute(".id-pic img", side));
        assert_eq!(sides, ["160", "240"]);
    }
    let answer = app.get(&path(&tin)).await;
    assert_eq!(answer.status(), 200);
    let headers = answer.headers().clone();
    assert_eq!(headers["Content-Type"], "image/png");
    assert_eq!(headers["X-Content-Type-Options"], "nosniff");
    assert_eq!(
        headers["Cache-Control"],
        "public, max-age=604800, s-maxage=3600, immutable"
    );
    assert_eq!(answer.bytes().await.unwrap(), tin);
    let again = app.http.get(app.url(&path(&tin)));
    let again = again.header("If-None-Match", &headers["ETag"]);
    let again = again.send().await.unwrap();
    assert_eq!(again.status(), 304);
    assert_eq!(again.bytes().await.unwrap().len(), 0);
    // A product without one has none.
    let answer = app.post("/api/products", described(GTIN, None)).await;
    assert_eq!(answer.status(), 201);
    let page = Page::get(&app, &format!("/01/{GTIN}"), "en").await;
    assert_eq!(page.attributes(".id-pic img", "src"), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_description_names_only_what_was_sent_and_as_it_is() {
    let app = TestApp::start().await;
    let tin = png(160, 160, 30);
    let answer = app.post("/api/products", described(GTIN, Some(&tin))).await;
    let (status, detail) = refusal(answer).await;
    assert_eq!(status, 400);
    assert!(
        detail.starts_with("/picture/sha256") && detail.contains("/api/pictures"),
        "{detail}"
    );
    let sent = app.send_picture(&app.key, "image/png", tin.clone()).await;
    assert_eq!(sent.status(), 201);
    for (right, wrong, pointer) in [
        ("image/png", "image/webp", "/picture/mediaType"),
        (r#""width":160"#, r#""width":161"#, "/picture/width"),
        (r#""height":160"#, r#""height":161"#, "/picture/height"),
    ] {
        let body = described(GTIN, Some(&tin)).replace(right, wrong);
        let (status, detail) = refusal(app.post("/api/products", body).await).await;
        assert_eq!(status, 400);
        assert!(detail.starts_with(pointer), "{detail}");
    }
    assert_eq!(app.get(&path(&tin)).await.status(), 404, "nothing named it");
    shown(&app, &tin).await;
    // At an address that is no picture's there is a page that says so.
    for wrong in [
        path(&tin).replace(GTIN, "09521041001029"),
        path(&tin).replace(GTIN, "09521041001013"),
        format!("/picture/{GTIN}/x"),
        path(&png(160, 160, 31)),
    ] {
        assert_eq!(Page::get(&app, &wrong, "en").await.status, 404, "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_picture_is_refused_and_nothing_is_stored() {
    let app = TestApp::start().await;
    let tin = png(160, 160, 30);
    let large = vec![0x89; 24 * 1024 + 1];
    for (media_type, bytes, status, told) in [
        ("image/png", large, 413, "24576 bytes"),
        ("image/gif", tin.clone(), 415, "image/webp"),
        ("application/json", tin.clone(), 415, "image/webp"),
        ("image/jpeg", tin.clone(), 400, "the picture is image/png"),
        (
            "image/png",
            tin[..tin.len() / 2].to_vec(),
            400,
            "damaged or cut off",
        ),
        ("image/png", png(119, 160, 30), 400, "119 by 160 pixels"),
        ("image/png", b"<svg/>".to_vec(), 400, "no JPEG, PNG or WebP"),
        ("image/png", Vec::new(), 400, "the body is empty"),
    ] {
        let (found, detail) = refusal(app.send_picture(&app.key, media_type, bytes).await).await;
        assert_eq!(found, status, "{detail}");
        assert!(detail.contains(told), "{detail}");
    }
    let stranger = app.send_picture("none", "image/png", tin).await;
    assert_eq!(stranger.status(), 401);
    let waiting = app.http.get(app.url("/api/pictures")).bearer_auth(&app.key);
    let waiting: Value = waiting.send().await.unwrap().json().await.unwrap();
    assert_eq!(waiting, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_nothing_names_can_be_taken_back_and_a_hundred_may_wait() {
    let app = TestApp::start().await;
    let picture = |n: u8| png(120, 120, n);
    for n in 0..100 {
        let sent = app.send_picture(&app.key, "image/png", picture(n)).await;
        assert_eq!(sent.status(), 201, "{n}");
    }
    let (status, detail) =
        refusal(app.send_picture(&app.key, "image/png", picture(100)).await).await;
    assert_eq!(status, 409);
    assert!(detail.contains("100 pictures wait"), "{detail}");
    // What was sent before is known, and takes no more room.
    let again = app.send_picture(&app.key, "image/png", picture(7)).await;
    assert_eq!(again.status(), 200);
    assert_eq!(delete(&app, &app.key, &picture(0)).await.status(), 204);
    assert_eq!(delete(&app, &app.key, &picture(0)).await.status(), 404);
    let waiting = app.http.get(app.url("/api/pictures")).bearer_auth(&app.key);
    let waiting: Value = waiting.send().await.unwrap().json().await.unwrap();
    let waiting = waiting.as_array().unwrap();
    assert_eq!(waiting.len(), 99);
    let first: Value = serde_json::from_str(&member(&picture(1))).unwrap();
    assert_eq!(waiting[0], first, "the first one sent first");
    // One that is named waits no more, and is not taken back.
    let sent = app.send_picture(&app.key, "image/png", picture(100)).await;
    assert_eq!(sent.status(), 201);
    shown(&app, &picture(1)).await;
    let sent = app.send_picture(&app.key, "image/png", picture(101)).await;
    assert_eq!(sent.status(), 201);
    let (status, detail) = refusal(delete(&app, &app.key, &picture(1)).await).await;
    assert_eq!(status, 409);
    assert!(detail.contains("/api/erasures"), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_merchants_picture_is_neither_named_nor_taken_back() {
    let app = TestApp::start().await;
    let tin = png(160, 160, 30);
    let sent = app.send_picture(&app.key, "image/png", tin.clone()).await;
    assert_eq!(sent.status(), 201);
    let issuer = "https://id.gs1.org/417/9521072000008";
    let other = app.add_merchant("Redspur Demo", issuer).await;
    let other = app.key_of(other.id, issuer, &Scope::ALL).await;
    let gtin = "09521072001012";
    let answer = app
        .post_as(&other, "/api/products", described(gtin, Some(&tin)))
        .await;
    let (status, detail) = refusal(answer).await;
    assert_eq!(status, 400);
    assert!(detail.starts_with("/picture/sha256"), "{detail}");
    assert_eq!(delete(&app, &other, &tin).await.status(), 404);
    assert_eq!(delete(&app, &app.key, &tin).await.status(), 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_picture_is_a_change_and_the_old_one_can_still_be_seen() {
    let app = TestApp::start().await;
    let (old, new) = (png(160, 160, 30), png(160, 160, 31));
    shown(&app, &old).await;
    shown(&app, &new).await;
    app.sealed().await;
    let page = Page::get(&app, &format!("/01/{GTIN}"), "en").await;
    assert_eq!(page.attributes(".id-pic img", "src"), [path(&new)]);
    let history = page.text(".history");
    for digest in [&old, &new] {
        let digest = Hash::of(&[digest]).to_hex();
        assert!(
            history.contains(&format!("SHA-256 {}", &digest[..12])),
            "{history}"
        );
    }
    // Its type and sides are no news.
    assert!(
        !history.contains("image/png") && !history.contains("160"),
        "{history}"
    );
    assert_eq!(app.get(&path(&old)).await.status(), 200);
}

/// Erases the picture of all that was said of the first product; the product's statement is at this place in the log.
async fn erase(app: &TestApp, index: u64, fields: &[&str]) -> reqwest::Response {
    let order = json!({"index": index, "fields": fields,
        "reason": {"zh-CN": "图片侵权", "en": "The picture was not ours"}});
    app.post("/api/erasures", order.to_string()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_picture_is_gone_unless_another_product_names_it() {
    let app = TestApp::start().await;
    let (shared, own) = (png(160, 160, 30), png(160, 160, 31));
    let other = "09521041001029";
    shown(&app, &shared).await;
    let answer = app
        .post("/api/products", described(other, Some(&shared)))
        .await;
    assert_eq!(answer.status(), 201);
    shown(&app, &own).await;
    app.sealed().await;
    // A picture goes as a whole: what is left of it could not be read.
    let (status, detail) = refusal(erase(&app, 1, &["/picture/sha256"]).await).await;
    assert_eq!(status, 400, "{detail}");
    assert_eq!(app.get(&path(&own)).await.status(), 200);
    let answer = erase(&app, 1, &["/picture"]).await;
    assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap());
    for bytes in [&shared, &own] {
        assert_eq!(app.get(&path(bytes)).await.status(), 404);
    }
    let of_other = path(&shared).replace(GTIN, other);
    assert_eq!(app.get(&of_other).await.status(), 200);
    let page = Page::get(&app, &format!("/01/{GTIN}"), "en").await;
    assert_eq!(page.attributes(".id-pic img", "src"), [""; 0]);
    for (language, words) in [("zh-CN", "［已删除］"), ("en", "[erased]")] {
        let page = Page::get(&app, &format!("/01/{GTIN}"), language).await;
        let history = page.texts(".history dd");
        assert!(
            history.iter().any(|row| row.ends_with(words)),
            "{history:?}"
        );
        assert!(!page.html.contains("SHA-256 ［") && !page.html.contains("SHA-256 ["));
    }
    let page = Page::get(&app, &format!("/01/{other}"), "en").await;
    assert_eq!(page.attributes(".id-pic img", "src"), [of_other]);
    let count = |table: &'static str| {
        let app = &app;
        async move {
            let mut owner = app.owner().await;
            let count = format!("SELECT count(*) FROM {table}");
            sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(count))
                .fetch_one(&mut owner)
                .await
                .unwrap()
        }
    };
    assert_eq!(
        (count("picture").await, count("product_picture").await),
        (1, 1)
    );
    // What was erased must be sent again before it is named again.
    let answer = app.post("/api/products", described(GTIN, Some(&own))).await;
    assert_eq!(answer.status(), 400);
    app.sealed().await;
    let mut conn = app.running.database.checker.acquire().await.unwrap();
    let report = rootmark::check::check(&mut conn, &app.public_log(), |_, _| {})
        .await
        .unwrap();
    assert_eq!(report.findings, [""; 0]);
    drop(conn);
}

#[test]
fn the_examples_pictures_are_what_their_drawings_give() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/pictures");
    let names = std::fs::read_dir(&folder).unwrap();
    let drawings = names.map(|file| file.unwrap().path());
    let drawings: Vec<_> = drawings
        .filter(|path| path.extension().is_some_and(|extension| extension == "svg"))
        .collect();
    assert_eq!(drawings.len(), 3);
    let products = std::fs::read_to_string(folder.join("../products.json")).unwrap();
    for drawing in drawings {
        let drawn = drawing::pixels(&std::fs::read_to_string(&drawing).unwrap());
        let png = std::fs::read(drawing.with_extension("png")).unwrap();
        assert!(
            products.contains(&Hash::of(&[&png]).to_hex()),
            "{}",
            drawing.display()
        );
        let decoder = png::Decoder::new(std::io::Cursor::new(png));
        let mut reader = decoder.read_info().unwrap();
        let mut packed = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut packed).unwrap();
        assert_eq!(packed.len(), drawn.len(), "{}", drawing.display());
        // Processors round differently, by a step or two of a shade.
        let furthest = packed.iter().zip(&drawn).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(
            furthest <= Some(2),
            "{} was changed: cargo run --example draw-pictures",
            drawing.display()
        );
    }
}
