//! What the dashboard writes to people, in plain words, with one link.

use actix_web::web;

use super::acting::Acting;
use crate::mail::{Letter, MailError};
use crate::store::session::PresentedSession;
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

/// Tells somebody what was changed: who did not do that wants to know. Whoever hangs up does not keep the letter back.
pub(super) fn changed(acting: &Acting, session: &PresentedSession, what: Changed) {
    tell(
        &acting.service,
        session.email.clone(),
        &session.language,
        what,
    );
}

/// The same of somebody who is not logged in.
pub(super) fn tell(service: &web::Data<Service>, email: String, language: &str, what: Changed) {
    let service = service.clone();
    let text = Text::of(Lang::negotiate(None, Some(language)));
    actix_web::rt::spawn(async move {
        let letter = Letter {
            to: &email,
            subject: text.get("letter.changed_subject"),
            text: match what {
                Changed::Password => text.get("letter.password_changed"),
                Changed::Factor => text.get("letter.factor_removed"),
                Changed::FactorAdded => text.get("letter.factor_added"),
                Changed::CodesWrong => text.get("letter.codes_wrong"),
            },
        };
        if let Err(error) = service.mailer.send(&letter).await {
            tracing::warn!(%error, "a letter about a changed account was not sent");
        }
    });
}

/// What was changed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Changed {
    Password,
    Factor,
    FactorAdded,
    CodesWrong,
}
