//! The dashboard's pages as typed values, each with its template. Fields hold words already in the reader's language.

use askama::Template;
use qrcode::types::QrError;
use qrcode::{EcLevel, QrCode};

use crate::web::shopper::view::Shell;

/// Where a page stands among the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Overview,
    Team,
    Keys,
    Audit,
    Account,
    Elsewhere,
}

/// What stands around a page: where one can go, who one is, and what signs forms.
#[derive(Debug)]
pub(super) struct Desk {
    /// Signs forms.
    pub csrf: String,
    /// The name of the page's form, under which it does its work once.
    pub form: String,
    /// This page, as it is read again; empty where it cannot be.
    pub path: String,
    /// For whom somebody acts.
    pub merchant: Option<String>,
    /// Who is logged in.
    pub person: Option<String>,
    /// As what.
    pub role: Option<String>,
    /// Where one can go.
    pub entries: Vec<NavEntry>,
}

impl Desk {
    /// Of a page that shows something this once: there is no switch of languages, which would lead away from it.
    pub fn shown_once(mut self) -> Desk {
        self.path.clear();
        self
    }
}

/// A place to go to.
#[derive(Debug)]
pub(super) struct NavEntry {
    pub href: String,
    pub label: String,
    pub is_here: bool,
}

/// A page that says one thing, and where to go from it.
#[derive(Debug, Template)]
#[template(path = "admin/saying.html", whitespace = "minimize")]
pub(super) struct SayingPage {
    pub shell: Shell,
    pub desk: Desk,
    pub title: String,
    pub words: String,
    pub next: Option<(String, String)>,
}

/// A form that was carried through a log-in, to be sent by hand.
#[derive(Debug, Template)]
#[template(path = "admin/continue.html", whitespace = "minimize")]
pub(super) struct ContinuePage {
    pub shell: Shell,
    pub desk: Desk,
    pub to: String,
    pub fields: Vec<(String, String)>,
}

#[derive(Debug, Template)]
#[template(path = "admin/log_in.html", whitespace = "minimize")]
pub(super) struct LogInPage {
    pub shell: Shell,
    pub desk: Desk,
    pub email: String,
    pub to: String,
    pub carried: Vec<(String, String)>,
    /// Whether a session ended while its owner worked.
    pub is_expired: bool,
    /// Whether a new password was just set.
    pub is_changed: bool,
    pub fault: Option<String>,
}

#[derive(Debug, Template)]
#[template(path = "admin/second_factor.html", whitespace = "minimize")]
pub(super) struct FactorPage {
    pub shell: Shell,
    pub desk: Desk,
    pub to: String,
    pub carried: Vec<(String, String)>,
    pub fault: Option<String>,
}

#[derive(Debug, Template)]
#[template(path = "admin/forgotten.html", whitespace = "minimize")]
pub(super) struct ForgottenPage {
    pub shell: Shell,
    pub desk: Desk,
    pub email: String,
    pub is_sent: bool,
    /// Whether letters reach people without the operator's hands.
    pub reaches_people: bool,
    pub fault: Option<String>,
}

#[derive(Debug, Template)]
#[template(path = "admin/password.html", whitespace = "minimize")]
pub(super) struct PasswordPage {
    pub shell: Shell,
    pub desk: Desk,
    pub email: String,
    pub has_factor: bool,
    pub least: String,
    pub fault: Option<String>,
}

/// Who opens an invitation.
#[derive(Debug)]
pub(super) enum Invited {
    /// Somebody without an account.
    New,
    /// Somebody with an account, who is not logged in.
    Known,
    /// Somebody who is logged in.
    LoggedIn,
    /// Somebody else is logged in.
    SomebodyElse(String),
}

#[derive(Debug, Template)]
#[template(path = "admin/invitation.html", whitespace = "minimize")]
pub(super) struct InvitationPage {
    pub shell: Shell,
    pub desk: Desk,
    pub merchant: String,
    pub email: String,
    pub inviter: String,
    pub role: String,
    pub duties: String,
    pub invited: Invited,
    pub name: String,
    pub least: String,
    pub most: usize,
    pub path: String,
    pub fault: Option<String>,
}

#[derive(Debug, Template)]
#[template(path = "admin/overview.html", whitespace = "minimize")]
pub(super) struct OverviewPage {
    pub shell: Shell,
    pub desk: Desk,
    pub merchant: String,
    pub role: String,
    pub tasks: Vec<Task>,
    /// Whether the public log is well, and how it is.
    pub log: (bool, String),
}

/// Something to do next.
#[derive(Debug)]
pub(super) struct Task {
    pub href: &'static str,
    pub title: String,
    pub words: String,
}

#[derive(Debug, Template)]
#[template(path = "admin/account.html", whitespace = "minimize")]
pub(super) struct AccountPage {
    pub shell: Shell,
    pub desk: Desk,
    pub name: String,
    pub email: String,
    /// How many codes on paper are left; none without a second factor.
    pub codes_left: Option<String>,
    pub least: String,
    pub is_changed: bool,
    pub fault: Option<String>,
    pub sessions: Vec<SessionView>,
    pub employers: Vec<EmployerView>,
}

#[derive(Debug)]
pub(super) struct SessionView {
    pub device: String,
    pub since: String,
    pub seen: String,
    pub is_this: bool,
    pub end: String,
}

#[derive(Debug)]
pub(super) struct EmployerView {
    pub id: String,
    pub name: String,
    pub role: String,
    pub is_this: bool,
}

#[derive(Debug, Template)]
#[template(path = "admin/proposal.html", whitespace = "minimize")]
pub(super) struct ProposalPage {
    pub shell: Shell,
    pub desk: Desk,
    pub has_factor: bool,
    /// Whether the form that set it up was sent twice.
    pub is_on_already: bool,
    pub qr: QrView,
    pub secret: String,
    pub sealed: String,
    pub fault: Option<String>,
}

#[derive(Debug, Template)]
#[template(path = "admin/codes.html", whitespace = "minimize")]
pub(super) struct CodesPage {
    pub shell: Shell,
    pub desk: Desk,
    pub codes: Vec<String>,
}

#[derive(Debug, Template)]
#[template(path = "admin/team.html", whitespace = "minimize")]
pub(super) struct TeamPage {
    pub shell: Shell,
    pub desk: Desk,
    /// Whether the reader looks after the team.
    pub is_mine: bool,
    pub count: String,
    pub members: Vec<MemberView>,
    pub invitations: Vec<InvitationView>,
    pub roles: Vec<RoleChoice>,
    pub email: String,
    pub fault: Option<String>,
}

#[derive(Debug)]
pub(super) struct MemberView {
    pub name: String,
    pub email: String,
    pub role: String,
    pub has_factor: bool,
    pub is_me: bool,
    pub href: String,
}

#[derive(Debug)]
pub(super) struct InvitationView {
    pub email: String,
    pub role: String,
    pub until: String,
    pub is_past: bool,
    pub end: String,
}

#[derive(Debug)]
pub(super) struct RoleChoice {
    pub value: &'static str,
    pub label: String,
    pub duties: String,
    pub is_chosen: bool,
}

#[derive(Debug, Template)]
#[template(path = "admin/invited.html", whitespace = "minimize")]
pub(super) struct InvitedPage {
    pub shell: Shell,
    pub desk: Desk,
    pub email: String,
    pub is_sent: bool,
    /// Whether letters reach people without the operator's hands.
    pub reaches_people: bool,
    /// Where no letter went out, and the inviter hands it over.
    pub link: Option<String>,
}

#[derive(Debug, Template)]
#[template(path = "admin/member.html", whitespace = "minimize")]
pub(super) struct MemberPage {
    pub shell: Shell,
    pub desk: Desk,
    pub member: MemberView,
    pub since: String,
    pub roles: Vec<RoleChoice>,
    pub fault: Option<String>,
}

#[derive(Debug, Template)]
#[template(path = "admin/keys.html", whitespace = "minimize")]
pub(super) struct KeysPage {
    pub shell: Shell,
    pub desk: Desk,
    pub keys: Vec<KeyView>,
    pub label: String,
    pub scopes: Vec<ScopeChoice>,
    /// Days for which a key can be made, in words too, and whether they were chosen.
    pub days: Vec<(i64, String, bool)>,
    pub most: usize,
    pub fault: Option<String>,
}

#[derive(Debug)]
pub(super) struct KeyView {
    pub label: String,
    pub scopes: Vec<String>,
    pub made: String,
    pub until: Option<String>,
    pub ended: Option<String>,
    pub is_good: bool,
    pub end: String,
}

#[derive(Debug)]
pub(super) struct ScopeChoice {
    pub value: &'static str,
    pub label: String,
    pub is_chosen: bool,
    pub is_usual: bool,
}

#[derive(Debug, Template)]
#[template(path = "admin/key_made.html", whitespace = "minimize")]
pub(super) struct KeyMadePage {
    pub shell: Shell,
    pub desk: Desk,
    pub label: String,
    pub key: String,
    pub until: String,
    pub address: String,
}

#[derive(Debug, Template)]
#[template(path = "admin/audit.html", whitespace = "minimize")]
pub(super) struct AuditPage {
    pub shell: Shell,
    pub desk: Desk,
    pub acts: Vec<ActView>,
    pub older: Option<String>,
    pub is_first: bool,
}

#[derive(Debug)]
pub(super) struct ActView {
    pub at: String,
    pub actor: String,
    pub what: String,
    /// Whether it was done to oneself.
    pub is_own: bool,
    pub subject: String,
    pub detail: String,
}

/// A QR code as one path in a square of modules.
#[derive(Debug)]
pub(super) struct QrView {
    /// Modules on a side, the quiet zone of four on each side included.
    pub side: usize,
    pub path: String,
}

/// Modules around a code that stay white (ISO/IEC 18004).
const QUIET: usize = 4;

impl QrView {
    /// Drawn into the page: what it holds must be in no address.
    pub fn of(text: &str) -> Result<QrView, QrError> {
        let code = QrCode::with_error_correction_level(text, EcLevel::M)?;
        let width = code.width();
        let mut path = String::new();
        for (n, color) in code.to_colors().into_iter().enumerate() {
            if color == qrcode::Color::Dark {
                let (x, y) = (n % width + QUIET, n / width + QUIET);
                path.push_str(&format!("M{x} {y}h1v1h-1z"));
            }
        }
        Ok(QrView {
            side: width + 2 * QUIET,
            path,
        })
    }
}
