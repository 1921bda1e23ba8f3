//! What the dashboard writes to people, in plain words, with one link.

use crate::mail::{Letter, MailError};
use crate::web::Service;
use crate::web::text::{Lang, Text};

/// Sends a link with which somebody joins a team. In both languages: nobody knows yet which he reads.
pub(super) async fn invite(
    service: &Service,
    email: &str,
    (merchant, inviter): (&str, &str),
    link: &str,
) -> Result<(), MailError> {
    let [zh, en] = Lang::ALL.map(Text::of);
    let part = |text: &Text| {
        let values = [("merchant", merchant), ("inviter", inviter), ("link", link)];
        text.with("letter.invite", &values)
    };
    let subject = |text: &Text| text.with("letter.invite_subject", &[("merchant", merchant)]);
    let letter = Letter {
        to: email,
        subject: &format!("{} / {}", subject(zh), subject(en)),
        text: &format!("{}\n\n———\n\n{}", part(zh), part(en)),
    };
    service.mailer.send(&letter).await
}

/// Sends a link for another password.
pub(super) async fn reset(
    service: &Service,
    email: &str,
    lang: Lang,
    link: &str,
) -> Result<(), MailError> {
    let text = Text::of(lang);
    let letter = Letter {
        to: email,
        subject: text.get("letter.reset_subject"),
        text: &text.with("letter.reset", &[("link", link)]),
    };
    service.mailer.send(&letter).await
}

/// Tells somebody that the password was changed, or the second factor taken away: who did not do that wants to know.
pub(super) async fn changed(service: &Service, email: &str, lang: Lang, what: Changed) {
    let text = Text::of(lang);
    let letter = Letter {
        to: email,
        subject: text.get("letter.changed_subject"),
        text: match what {
            Changed::Password => text.get("letter.password_changed"),
            Changed::Factor => text.get("letter.factor_removed"),
        },
    };
    if let Err(error) = service.mailer.send(&letter).await {
        tracing::warn!(%error, "a letter about a changed account was not sent");
    }
}

/// What was changed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Changed {
    Password,
    Factor,
}
