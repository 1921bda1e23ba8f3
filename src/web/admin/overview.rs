//! `/admin`: what there is to do.

use actix_web::HttpResponse;

use super::acting::Acting;
use super::refusal::Refusal;
use super::view::{OverviewPage, Place, Task};
use crate::accounts::{keys, team};
use crate::domain::account::Duty;
use crate::web::text::Text;

/// `GET /admin`
pub(super) async fn overview(acting: Acting) -> Result<HttpResponse, Refusal> {
    let shell = acting.shell();
    let text = shell.text;
    let member = acting.member()?;
    let session = &acting.current()?.session;
    let mut conn = acting.accounts().await?;
    let (members, _) = team::list(&mut conn, member.merchant_id).await?;
    let mut tasks = Vec::new();
    if !session.has_factor {
        tasks.push(Task {
            href: "/admin/account/second-factor",
            title: text.get("overview.factor").into(),
            words: text.get("overview.factor_lead").into(),
        });
    }
    if member.role.may(Duty::Team) && members.len() < 2 {
        tasks.push(Task {
            href: "/admin/team",
            title: text.get("overview.invite").into(),
            words: text.get("overview.invite_lead").into(),
        });
    }
    if member.role.may(Duty::Keys) && keys::list(&mut conn, member.merchant_id).await?.is_empty() {
        tasks.push(Task {
            href: "/admin/keys",
            title: text.get("overview.key").into(),
            words: text.get("overview.key_lead").into(),
        });
    }
    let page = OverviewPage {
        desk: acting.desk(&shell, Place::Overview),
        merchant: member.merchant_name.clone(),
        role: text.word("roleDuty", member.role.as_str()).to_owned(),
        tasks,
        log: log_words(text, &acting),
        shell,
    };
    acting.answer(&page)
}

/// How the public log is, in words; and whether that is well.
fn log_words(text: &Text, acting: &Acting) -> (bool, String) {
    let state = acting.service.state.borrow();
    if state.not_sealing().is_some() {
        return (false, text.get("overview.log_stopped").into());
    }
    if state.not_publishing().is_some() {
        return (false, text.get("overview.log_unpublished").into());
    }
    match &state.published {
        None => (true, text.get("overview.log_empty").into()),
        Some(published) => {
            let size = published.anchor.head.size.0;
            (true, text.count("overview.log_well", size, &[]))
        }
    }
}
