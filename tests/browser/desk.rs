//! The dashboard in a real browser: every screen, in both languages, by day on a phone and in the dark on a desk.

use std::fs;

use rootmark::demo::{self, Demo, Variant};
use rootmark::web::admin::Needs;
use rootmark::web::admin::table::TABLE;

use crate::driver::Browser;
use crate::installed::installed;
use crate::pages::{faults, pictures};
use crate::support::TestApp;

/// What a form's page is called, what is done there, and the status that it is answered with.
struct Step {
    name: &'static str,
    page: &'static str,
    script: &'static str,
    status: u16,
}

/// Pages that only a form leads to, or a mistake.
const STEPS: &[Step] = &[
    Step {
        name: "team-wrong",
        page: "/admin/team",
        script: "document.querySelector('#email').value = 'owner@larkmere.example';
                 document.querySelector('[value=quality]').checked = true;
                 document.querySelector('form[action$=invitations] [type=submit]').click()",
        status: 422,
    },
    Step {
        name: "invited",
        page: "/admin/team",
        script: "document.querySelector('#email').value = `${Math.random()}@larkmere.example`;
                 document.querySelector('form[action$=invitations] [type=submit]').click()",
        status: 200,
    },
    Step {
        name: "team-invited",
        page: "/admin/team",
        script: "",
        status: 200,
    },
    Step {
        name: "member",
        page: "/admin/team",
        script: "document.querySelector('a.list-main').click()",
        status: 200,
    },
    Step {
        name: "key-made",
        page: "/admin/keys",
        script: "document.querySelector('#label').value = 'ERP Tauranga';
                 document.querySelector('[value=capture]').checked = true;
                 document.querySelector('[name=days]').checked = true;
                 document.querySelector('form[action$=keys] [type=submit]').click()",
        status: 200,
    },
    Step {
        name: "nothing-here",
        page: "/admin/nowhere",
        script: "",
        status: 404,
    },
];

async fn log_in(browser: &Browser, app: &TestApp, demo: &Demo) {
    browser.open(&app.url("/admin/log-in")).await;
    browser
        .type_into("#email", demo.admin_email.as_deref().unwrap())
        .await;
    browser
        .type_into("#password", demo.admin_password.as_deref().unwrap())
        .await;
    browser.click("main [type=submit]").await;
}

/// The forms that a screen is looked at in.
const FORMS: [(u32, u32, bool, &str); 2] = [(360, 640, true, "light"), (1280, 800, false, "dark")];

struct Looking {
    browser: Browser,
    app: TestApp,
    axe: String,
    wrong: Vec<String>,
    seen: usize,
}

impl Looking {
    /// Looks at the page that is open.
    async fn look(&mut self, name: &str, status: u16) {
        let mut found = faults(&self.browser, &self.axe).await;
        if status >= 400 {
            let status = format!("status of {status}");
            found.retain(|fault| !fault.contains(&status));
        }
        // The browser asks for names beside passwords, which it has.
        found.retain(|fault| !fault.contains("[DOM]"));
        self.wrong
            .extend(found.into_iter().map(|fault| format!("{name}: {fault}")));
        let picture = self.browser.screenshot(true).await;
        fs::write(pictures().join(format!("desk-{name}.webp")), picture).unwrap();
        self.seen += 1;
    }

    /// Looks at an address in all forms.
    async fn open(&mut self, name: &str, path: &str, status: u16) {
        for (width, height, is_phone, scheme) in FORMS {
            self.browser.screen(width, height, is_phone).await;
            self.browser.prefer(scheme).await;
            for language in ["zh-CN", "en"] {
                let url = self.app.url(&format!("{path}?lang={language}"));
                self.browser.open(&url).await;
                self.look(&format!("{name}-{language}-{width}"), status)
                    .await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_screen_of_the_dashboard_is_sound_in_both_languages() {
    let app = TestApp::start().await;
    let demo = demo::load(&app.running, app.data_dir.path(), Variant::Sound)
        .await
        .unwrap();
    let mut looking = Looking {
        browser: Browser::start().await,
        app,
        axe: fs::read_to_string(installed("axe-core/axe.min.js")).unwrap(),
        wrong: Vec::new(),
        seen: 0,
    };
    // Who is not logged in yet.
    for entry in TABLE {
        if entry.needs == Needs::Nobody && !entry.is_form && !entry.path.contains('{') {
            looking
                .open(&entry.path[7..].replace('/', "-"), entry.path, 200)
                .await;
        }
    }
    looking.open("link-ended", "/admin/invitation/0", 410).await;
    log_in(&looking.browser, &looking.app, &demo).await;
    // Every page that needs nothing but its address.
    for entry in TABLE {
        let is_inside = matches!(entry.needs, Needs::Person | Needs::Duty(_));
        if is_inside && !entry.is_form && !entry.path.contains('{') {
            let name = entry
                .path
                .replacen("/admin", "overview", 1)
                .replace('/', "-");
            looking.open(&name, entry.path, 200).await;
        }
    }
    for step in STEPS {
        for ((width, height, is_phone, scheme), language) in FORMS.into_iter().zip(["zh-CN", "en"])
        {
            looking.browser.screen(width, height, is_phone).await;
            looking.browser.prefer(scheme).await;
            let switch = format!(
                "const to = document.querySelector('form[action$=language]');
                 return to && to.language.value === '{language}'"
            );
            looking.browser.open(&looking.app.url(step.page)).await;
            if looking.browser.evaluate(&switch).await == true {
                looking
                    .browser
                    .click("form[action$=language] [type=submit]")
                    .await;
            }
            if !step.script.is_empty() {
                looking.browser.leave_by(step.script).await;
            }
            looking
                .look(&format!("{}-{language}-{width}", step.name), step.status)
                .await;
        }
    }
    assert!(looking.wrong.is_empty(), "{}", looking.wrong.join("\n"));
    assert!(looking.seen >= 4 * 8 + 2 * STEPS.len(), "{}", looking.seen);
    looking.browser.close().await;
    looking.app.stop().await;
}
