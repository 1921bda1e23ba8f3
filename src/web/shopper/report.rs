//! `/report/01/…`: a shopper tells the merchant of a problem, without an account; `/reported/01/…`: and asks what became of it.

mod form;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use auditlog::encoding::to_hex;
use serde::Deserialize;
use uuid::Uuid;

pub use self::form::Forms;
use self::form::{Form, FormFault};
use super::lookup::LookupError;
use super::view::{MatterChoice, ReportPage, ReportedPage, Shell};
use super::{no_such_page, present, refuse, render, see_other, shell};
use crate::cases::{self, CaseError, Report, Taken};
use crate::domain::gs1::{DigitalLink, Identity};
use crate::domain::photo::{MAX_SENT_BYTES, MAX_SENT_PIXELS, PhotoFault};
use crate::domain::report::{MAX_WORDS, Matter, ReportNumber, WordsFault};
use crate::store::begin_for;
use crate::store::gtin_owner::gtin_owner;
use crate::web::Service;
use crate::web::client::is_a_page_of_ours;
use crate::web::headers;
use crate::web::text::{Lang, Text};

/// A code whose merchant listens.
struct Told {
    link: DigitalLink,
    code: Identity,
    merchant_id: Uuid,
}

impl Told {
    /// The code of a request, and whose it is. A code that was never issued can be told of, too: that is what a forger prints.
    async fn find(
        request: &HttpRequest,
        service: &Service,
        prefix: &str,
    ) -> Result<Told, HttpResponse> {
        let path = request.uri().path();
        let path = path.strip_prefix(prefix).unwrap_or(path);
        let link = DigitalLink::parse_path(path);
        let link = link.map_err(|error| refuse(request, LookupError::Link(error)))?;
        let Some(gtin) = link.gtin() else {
            return Err(no_such_page(request.clone()).await);
        };
        let owner = async {
            let mut conn = service.database.reader.acquire().await?;
            gtin_owner(&mut conn, gtin).await
        };
        let owner = owner.await;
        let owner = owner.map_err(|error: sqlx::Error| refuse(request, error.into()))?;
        let merchant_id = owner.ok_or_else(|| refuse(request, LookupError::NoMerchant(link)))?;
        let code = link.identities().swap_remove(0);
        Ok(Told {
            link,
            code,
            merchant_id,
        })
    }

    fn page(&self, shell: Shell, form: &Form, fault: Option<String>) -> ReportPage {
        let choices = Matter::ALL.map(|matter| MatterChoice {
            value: matter.as_str(),
            label: matter_words(shell.text, matter),
            is_chosen: form.matter == Some(matter),
        });
        ReportPage {
            code: present::elements(&self.link).join(" "),
            story_href: shell.story_href(&self.link),
            report_href: shell.report_href(&self.link),
            reported_href: shell.href(&format!("/reported{}", self.link.path())),
            form: to_hex(&form.name),
            choices: choices.into(),
            words: form.words.clone(),
            max_words: MAX_WORDS,
            fault,
            number: String::new(),
            number_fault: None,
            shell,
        }
    }
}

/// `GET /reported/01/…`: who changes the language of an answer is led back to the form.
pub(in crate::web) async fn back(request: HttpRequest) -> HttpResponse {
    let path = request.uri().path();
    let path = path.strip_prefix("/reported").unwrap_or(path);
    match DigitalLink::parse_path(path) {
        Ok(link) => see_other(shell(&request).report_href(&link)),
        Err(error) => refuse(&request, LookupError::Link(error)),
    }
}

/// `GET /report/01/…`
pub(in crate::web) async fn ask(request: HttpRequest, service: web::Data<Service>) -> HttpResponse {
    let told = match Told::find(&request, &service, "/report").await {
        Ok(told) => told,
        Err(answer) => return answer,
    };
    let form = match Form::fresh() {
        Ok(form) => form,
        Err(error) => return refuse(&request, LookupError::Internal(error.to_string())),
    };
    let page = told.page(shell(&request), &form, None);
    answer(&request, StatusCode::OK, &page)
}

/// `POST /report/01/…`, `multipart/form-data` with `form`, `matter`, and, if the reader wants to, `words` and `photo`.
pub(in crate::web) async fn take(
    request: HttpRequest,
    payload: web::Payload,
    service: web::Data<Service>,
) -> HttpResponse {
    let told = match Told::find(&request, &service, "/report").await {
        Ok(told) => told,
        Err(answer) => return answer,
    };
    let now = (service.clock)();
    let network = service.network(&request, &format!("reports {}", told.merchant_id), now);
    let network = match network {
        Ok(network) => network,
        Err(error) => return refuse(&request, LookupError::Internal(error.to_string())),
    };
    let (mut form, fault) = Form::read(&request, payload, (&service.forms, network)).await;
    let fault = match is_a_page_of_ours(request.headers()) {
        true => fault,
        false => Some(FormFault::Incomplete),
    };
    let stored = match fault {
        Some(fault) => Err(Refusal::Form(fault)),
        None => store(&service, &told, &mut form, network).await,
    };
    // A form that is given back has a name, whatever could be read of it.
    if let Err(error) = form.draw_name_if_it_has_none() {
        return refuse(&request, LookupError::Internal(error.to_string()));
    }
    let text = shell(&request).text;
    let again = |status: StatusCode, words: String| {
        let page = told.page(shell(&request), &form, Some(words));
        answer(&request, status, &page)
    };
    match stored {
        Ok((number, kept)) => {
            let page = told.page(shell(&request), &form, None);
            let has_lost = kept == Taken::WithoutPicture;
            let page = ReportedPage::thanks(page, shell(&request), number.shown(), has_lost);
            answer(&request, StatusCode::OK, &page)
        }
        Err(Refusal::Form(fault)) => again(status_of(fault), fault_words(text, fault)),
        Err(Refusal::Case(CaseError::Store(error))) => refuse(&request, error.into()),
        Err(Refusal::Case(error)) => {
            let words = match error {
                CaseError::TooManyOfNetwork => text.get("report.too_many"),
                _ => text.get("report.too_full"),
            };
            again(StatusCode::TOO_MANY_REQUESTS, words.into())
        }
    }
}

/// Why a report is not taken.
enum Refusal {
    Form(FormFault),
    Case(CaseError),
}

impl From<FormFault> for Refusal {
    fn from(fault: FormFault) -> Refusal {
        Refusal::Form(fault)
    }
}

impl From<CaseError> for Refusal {
    fn from(error: CaseError) -> Refusal {
        Refusal::Case(error)
    }
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Refusal {
        Refusal::Case(error.into())
    }
}

/// Keeps what a form says; its number, and how much of it is kept.
async fn store(
    service: &Service,
    told: &Told,
    form: &mut Form,
    network: [u8; 8],
) -> Result<(ReportNumber, Taken), Refusal> {
    let (merchant_id, code) = (told.merchant_id, &told.code);
    let number = ReportNumber::of_form(&form.name, &code.canonical());
    // What is one too many is refused before its photograph is worked on.
    let mut conn = service.database.reader.acquire().await?;
    cases::may_report(&mut conn, merchant_id, (code, &number), network).await?;
    drop(conn);
    let taken = form.taken().await?;
    let report = Report {
        code: code.clone(),
        number,
        network,
        matter: taken.matter,
        words: taken.words,
        picture: taken.picture,
    };
    let mut conn = service.database.capture.acquire().await?;
    let kept = cases::report(&mut conn, merchant_id, &report, (service.clock)()).await?;
    Ok((report.number, kept))
}

#[derive(Deserialize)]
pub(in crate::web) struct Asked {
    number: String,
}

/// `POST /reported/01/…`: the number is in no address, and so in no log.
pub(in crate::web) async fn reported(
    request: HttpRequest,
    asked: Result<web::Form<Asked>, actix_web::Error>,
    service: web::Data<Service>,
) -> HttpResponse {
    let told = match Told::find(&request, &service, "/reported").await {
        Ok(told) => told,
        Err(answer) => return answer,
    };
    let form = match Form::fresh() {
        Ok(form) => form,
        Err(error) => return refuse(&request, LookupError::Internal(error.to_string())),
    };
    let typed = asked
        .map(|asked| asked.into_inner().number)
        .unwrap_or_default();
    let number = ReportNumber::parse(&typed);
    let found = async {
        let Some(number) = &number else {
            return Ok(None);
        };
        let mut conn = service.database.reader.acquire().await?;
        let mut tx = begin_for(&mut conn, told.merchant_id).await?;
        let found = cases::case_of(&mut tx, told.merchant_id, &told.code, number).await?;
        tx.rollback().await?;
        Ok::<_, sqlx::Error>(found)
    };
    let mut page = told.page(shell(&request), &form, None);
    let text = page.shell.text;
    match found.await {
        Ok(Some((case, recorded_at))) => {
            let day = |at| present::china_date(text, at).map_or_else(String::new, |day| day.text);
            let (day, closed) = (day(recorded_at), case.closed_at.map(day));
            let page = match closed {
                None => ReportedPage::open(page, shell(&request), &day),
                Some(closed) => {
                    let is_reviewed = case.outcome.is_some();
                    let words = match text.lang() {
                        Lang::ZhCn => case.answer_zh_cn,
                        Lang::En => case.answer_en,
                    };
                    let days = (day.as_str(), closed.as_str());
                    ReportedPage::closed(page, shell(&request), days, words, is_reviewed)
                }
            };
            answer(&request, StatusCode::OK, &page)
        }
        Ok(None) => {
            page.number = typed.chars().take(40).collect();
            let fault = match number {
                None => text.get("report.number_wrong"),
                Some(_) => text.get("report.number_unknown"),
            };
            page.number_fault = Some(fault.into());
            answer(&request, StatusCode::NOT_FOUND, &page)
        }
        Err(error) => refuse(&request, error.into()),
    }
}

fn answer(request: &HttpRequest, status: StatusCode, page: &impl askama::Template) -> HttpResponse {
    headers::kept_by_nobody(headers::for_script(render(request, status, page)))
}

fn status_of(fault: FormFault) -> StatusCode {
    match fault {
        FormFault::Busy => StatusCode::SERVICE_UNAVAILABLE,
        FormFault::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        FormFault::PhotoBytes => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::BAD_REQUEST,
    }
}

fn matter_words(text: &Text, matter: Matter) -> &str {
    match matter {
        Matter::Pack => text.get("report.matter_pack"),
        Matter::LookedUp => text.get("report.matter_looked_up"),
        Matter::Quality => text.get("report.matter_quality"),
        Matter::Record => text.get("report.matter_record"),
        Matter::Other => text.get("report.matter_other"),
    }
}

fn fault_words(text: &Text, fault: FormFault) -> String {
    let plain = match fault {
        FormFault::Words(WordsFault::TooLong(_)) => {
            return text.with("report.words_long", &[("n", &MAX_WORDS.to_string())]);
        }
        FormFault::PhotoBytes => {
            let megabytes = (MAX_SENT_BYTES >> 20).to_string();
            return text.with("report.photo_bytes", &[("n", &megabytes)]);
        }
        FormFault::Photo(PhotoFault::TooManyPixels) => {
            // Chinese counts in tens of thousands.
            let unit = match text.lang() {
                Lang::ZhCn => 10_000,
                Lang::En => 1_000_000,
            };
            let count = (MAX_SENT_PIXELS / unit).to_string();
            return text.with("report.photo_pixels", &[("n", &count)]);
        }
        FormFault::Incomplete => text.get("report.incomplete"),
        FormFault::Busy => text.get("report.busy"),
        FormFault::NoMatter => text.get("report.no_matter"),
        FormFault::Words(WordsFault::Control) => text.get("report.words_control"),
        FormFault::Photo(PhotoFault::Unknown) => text.get("report.photo_unknown"),
        FormFault::Failed | FormFault::Photo(PhotoFault::Damaged) => {
            text.get("report.photo_damaged")
        }
    };
    plain.into()
}
