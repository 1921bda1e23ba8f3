//! Proofs, as a verifier reads them.

use auditlog::bundle::{KeysFrom, Trust, Verified, verify};
use auditlog::note::Verifier;

use super::TestApp;

/// The proof of a code, verified with the log's own keys.
pub async fn proof(app: &TestApp, path: &str) -> Verified {
    app.sealed().await;
    let text = app.get_text(&format!("/proof{path}")).await;
    let log = Verifier::parse(&app.running.vkey).unwrap();
    let story = Verifier::parse(&app.running.story_vkey).unwrap();
    let trust = Trust {
        log: Some(&log),
        story: Some(&story),
        anchors: None,
        ..Trust::default()
    };
    let verified = verify(text.as_bytes(), &trust).unwrap();
    assert_eq!(verified.keys, KeysFrom::Verifier);
    verified
}
