//! Proofs, as a verifier reads them.

use auditlog::bundle::{KeysFrom, Trust, Verified, verify};
use auditlog::note::Verifier;

use super::TestApp;

/// The proof of a code, verified with the log's own keys.
pub async fn proof(app: &TestApp, path: &str) -> Verified {
    app.sealed().await;
    let text = app.get_text(&format!("/proof{path}")).await;
    verified(app, text.as_bytes())
}

/// The same for whoever holds the merchant's key: with what is for regulators.
pub async fn whole_proof(app: &TestApp, path: &str) -> Verified {
    app.sealed().await;
    let request = app.http.get(app.url(&format!("/proof{path}")));
    let answer = request.bearer_auth(&app.key).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    verified(app, &answer.bytes().await.unwrap())
}

/// A bundle, verified with the log's own keys.
pub fn verified(app: &TestApp, bundle: &[u8]) -> Verified {
    let log = Verifier::parse(&app.running.vkey).unwrap();
    let story = Verifier::parse(&app.running.story_vkey).unwrap();
    let trust = Trust {
        log: Some(&log),
        story: Some(&story),
        anchors: None,
        ..Trust::default()
    };
    let verified = verify(bundle, &trust).unwrap();
    assert_eq!(verified.keys, KeysFrom::Verifier);
    verified
}
