//! `/admin/account/second-factor`: setting one up, and taking it away.

use actix_web::HttpResponse;
use auditlog::encoding::to_hex;

use super::acting::Acting;
use super::letters::{self, Changed};
use super::log_in::shown;
use super::refusal::Refusal;
use super::view::{CodesPage, Place, ProposalPage, QrView};
use crate::accounts::{AccountError, factor};
use crate::domain::account::{Password, RecoveryCode, SecondFactor};

/// Bytes of a sealed factor at most.
const MAX_SEALED_BYTES: usize = 200;

/// `GET /admin/account/second-factor`
pub(super) async fn propose(acting: Acting) -> Result<HttpResponse, Refusal> {
    let current = acting.current()?;
    let keys = &acting.service.account_keys;
    let (proposed, sealed) = factor::propose(keys, current.session.account_id)?;
    let page = page(&acting, (&proposed, &sealed), None)?;
    acting.answer(&page)
}

fn page(
    acting: &Acting,
    (factor, sealed): (&SecondFactor, &[u8]),
    fault: Option<String>,
) -> Result<ProposalPage, Refusal> {
    let shell = acting.shell();
    let session = &acting.current()?.session;
    let address = factor.address(shell.text.get("site.name"), &session.email);
    let qr = QrView::of(&address).map_err(|error| Refusal::Internal(error.to_string()))?;
    Ok(ProposalPage {
        desk: acting.desk(&shell, Place::Account),
        has_factor: session.has_factor,
        is_on_already: acting.request.query_string().contains("on=1"),
        qr,
        secret: factor.for_typing(),
        sealed: to_hex(sealed),
        fault,
        shell,
    })
}

/// `POST /admin/account/second-factor`: `sealed`, `password`, `code`.
pub(super) async fn add(acting: Acting) -> Result<HttpResponse, Refusal> {
    let current = acting.current()?;
    let service = &acting.service;
    acting.count_try(current.session.account_id)?;
    let keys = &service.account_keys;
    let sealed = bytes(acting.fields().get("sealed")).ok_or(Refusal::Unreadable)?;
    let opened = keys.open_factor(current.session.account_id, &sealed);
    let proposed = opened.map_err(|_| Refusal::Unreadable)?;
    let password = Password::typed(acting.fields().get("password"));
    let password = password.ok_or(Refusal::Unreadable)?;
    let pool = &service.database.accounts;
    let shown = (&password, sealed.as_slice(), acting.fields().get("code"));
    match factor::add(pool, keys, current, shown, acting.now()).await {
        Ok(codes) => {
            letters::changed(&acting, &current.session, Changed::FactorAdded);
            codes_page(&acting, &codes)
        }
        // A form that was sent twice: the codes were shown to nobody.
        Err(AccountError::FactorIsOn) => super::on_to("/admin/account/second-factor?on=1"),
        Err(error @ (AccountError::WrongCode | AccountError::WrongPassword)) => {
            let text = acting.shell().text;
            let fault = match error {
                AccountError::WrongCode => text.get("factor.wrong"),
                _ => text.get("account.old_wrong"),
            };
            let fault = fault.to_owned();
            let page = page(&acting, (&proposed, &sealed), Some(fault))?;
            acting.give_back(&page)
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /admin/account/second-factor/removal`: `password`, and `code` or `recovery_code`.
pub(super) async fn remove(acting: Acting) -> Result<HttpResponse, Refusal> {
    let current = acting.current()?;
    let service = &acting.service;
    acting.count_try(current.session.account_id)?;
    let password = Password::typed(acting.fields().get("password"));
    let password = password.ok_or(Refusal::Unreadable)?;
    let (pool, keys) = (&service.database.accounts, &service.account_keys);
    let proof = (&password, shown(&acting));
    match factor::remove(pool, keys, current, proof, acting.now()).await {
        Ok(()) => {
            letters::changed(&acting, &current.session, Changed::Factor);
            super::on_to("/admin/account")
        }
        Err(AccountError::WrongPassword | AccountError::WrongCode) => {
            let shell = acting.shell();
            let fault = shell.text.get("factor.not_removed").to_owned();
            again(&acting, fault)
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /admin/account/recovery-codes`: `code`.
pub(super) async fn renew_codes(acting: Acting) -> Result<HttpResponse, Refusal> {
    let current = acting.current()?;
    let service = &acting.service;
    acting.count_try(current.session.account_id)?;
    let keys = &service.account_keys;
    let mut conn = acting.accounts().await?;
    let code = acting.fields().get("code");
    match factor::renew_codes(&mut conn, keys, current, code, acting.now()).await {
        Ok(codes) => codes_page(&acting, &codes),
        Err(AccountError::WrongCode) => {
            let fault = acting.shell().text.get("factor.wrong").to_owned();
            again(&acting, fault)
        }
        Err(error) => Err(error.into()),
    }
}

/// The page on which a factor is looked after, with what went wrong.
fn again(acting: &Acting, fault: String) -> Result<HttpResponse, Refusal> {
    let account_id = acting.current()?.session.account_id;
    let (proposed, sealed) = factor::propose(&acting.service.account_keys, account_id)?;
    let page = page(acting, (&proposed, &sealed), Some(fault))?;
    acting.give_back(&page)
}

fn codes_page(acting: &Acting, codes: &[RecoveryCode]) -> Result<HttpResponse, Refusal> {
    let shell = acting.shell();
    let page = CodesPage {
        desk: acting.desk(&shell, Place::Account).shown_once(),
        codes: codes.iter().map(RecoveryCode::shown).collect(),
        shell,
    };
    acting.answer(&page)
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let is_fit = hex.is_ascii() && hex.len().is_multiple_of(2) && hex.len() <= 2 * MAX_SEALED_BYTES;
    let pairs = is_fit.then(|| hex.as_bytes().chunks(2))?;
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    pairs.map(byte).collect()
}
