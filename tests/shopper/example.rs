//! The three supply chains of `rootmark demo`, as shoppers see them.

use auditlog::bundle::{KeysFrom, Trust, verify};
use auditlog::note::Verifier;
use rootmark::demo::{Demo, Variant};
use time::format_description::well_known::Rfc3339;
use time::macros::{date, offset};
use time::{Date, OffsetDateTime};

use crate::kit::{LANGUAGES, Page, ask, load_example, load_variant, path_of, words_in};
use crate::support::TestApp;

/// What a page of the example must say: `[zh-CN, en]` where the languages differ.
struct Expected {
    name: [&'static str; 2],
    origin: [&'static str; 2],
    net_content: [&'static str; 2],
    regime: [&'static str; 2],
    best_before: Date,
    best_before_text: [&'static str; 2],
    lot: &'static str,
    steps: usize,
    /// Steps that the laboratory signed.
    signed: usize,
    first_place: [&'static str; 2],
    last_place: [&'static str; 2],
    /// Titles and numbers of documents.
    documents: [[&'static str; 2]; 2],
    number: &'static str,
    /// Lots and logistic units of the events that are not this item's.
    foreign: &'static [&'static str],
}

const EXPECTED: [Expected; 3] = [
    Expected {
        name: [
            "云雀原婴儿配方奶粉 1 段（演示）",
            "Larkmere Demo Infant Formula, Stage 1",
        ],
        origin: ["新西兰", "New Zealand"],
        net_content: ["900 克", "900 g"],
        regime: ["一般贸易", "General trade"],
        best_before: date!(2028 - 06 - 23),
        best_before_text: ["2028年6月23日", "23 June 2028"],
        lot: "DEMO260624A",
        steps: 21,
        signed: 1,
        first_place: ["长白云配料（演示）", "Long Cloud Demo Ingredients"],
        last_place: [
            "禾苗母婴演示店 · 杭州滨江",
            "Sprout Demo Baby Store, Hangzhou Binjiang",
        ],
        documents: [
            ["成品检验报告（演示）", "Certificate of analysis (demo)"],
            [
                "入境货物检验检疫证明（演示）",
                "Inspection and quarantine certificate for entry (demo)",
            ],
        ],
        number: "DEMO-CIQ-2026-0817",
        foreign: &["095210410001000021", "095210410002000020"],
    },
    Expected {
        name: [
            "云雀原较大婴儿配方奶粉 2 段（演示，新西兰本土版）",
            "Larkmere Demo Follow-on Formula, Stage 2 (New Zealand edition)",
        ],
        origin: ["新西兰", "New Zealand"],
        net_content: ["900 克", "900 g"],
        regime: ["跨境电商保税", "Bonded cross-border e-commerce"],
        best_before: date!(2028 - 06 - 30),
        best_before_text: ["2028年6月30日", "30 June 2028"],
        lot: "DEMO260701B",
        steps: 24,
        signed: 1,
        first_place: ["长白云配料（演示）", "Long Cloud Demo Ingredients"],
        last_place: [
            "甬达快递 · 苏州园区站（演示）",
            "Yongda Demo Express, Suzhou Park station",
        ],
        documents: [
            ["保税核注清单（演示）", "Bonded entry list (demo)"],
            ["快递运单（演示）", "Parcel waybill (demo)"],
        ],
        number: "DEMO-REL-2026-1109",
        foreign: &[
            "095210410001100028",
            "095210410002100027",
            "095221600004000029",
        ],
    },
    Expected {
        name: [
            "赤岭谷饲西冷牛排（演示，冰鲜）",
            "Redspur Demo Grain-fed Striploin Steak, chilled",
        ],
        origin: ["澳大利亚", "Australia"],
        net_content: ["250 克", "250 g"],
        regime: ["一般贸易", "General trade"],
        best_before: date!(2026 - 11 - 22),
        best_before_text: ["2026年11月22日", "22 November 2026"],
        lot: "DEMO261112S",
        steps: 28,
        signed: 0,
        first_place: ["演示牧场 A（罗马）", "Demo Station A, Roma"],
        last_place: [
            "鲜程生鲜超市演示店 · 北京朝阳",
            "Xiancheng Demo Fresh Market, Beijing Chaoyang",
        ],
        documents: [
            [
                "澳大利亚官方卫生证书（演示）",
                "Australian health certificate (demo)",
            ],
            ["航空货运单（演示）", "Air waybill (demo)"],
        ],
        number: "DEMO-AWB-2026-1108",
        // Trimmings of the same carcasses: another product's lot in the very event that made this.
        foreign: &["DEMOX1104", "095221200008000027"],
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn each_code_of_the_example_tells_its_whole_story_in_both_languages() {
    let app = TestApp::start().await;
    let example = load_example(&app).await;
    for (trace, expected) in example.traces.iter().zip(&EXPECTED) {
        for (column, language) in LANGUAGES.into_iter().enumerate() {
            let page = Page::get(&app, path_of(&app, &trace.url), language).await;
            assert_eq!(page.status, 200);
            assert_eq!(page.attribute("html", "lang"), language);
            tells_the_verdict(&page, expected, column);
            tells_the_product(&page, expected, column);
            tells_the_journey(&page, expected, column);
            tells_the_proof(&app, &page, &trace.url, column);
        }
    }
}

fn tells_the_verdict(page: &Page, expected: &Expected, column: usize) {
    let today = OffsetDateTime::now_utc().to_offset(offset!(+8)).date();
    let words = if expected.best_before < today {
        ["已过期，请勿食用", "Past its date: do not use"]
    } else {
        ["有记录，未被改动", "On record, unchanged"]
    };
    assert_eq!(page.text("h1"), words[column]);
    assert!(page.text("title").starts_with(words[column]));
    let lead = ["全部封入公开日志", "are sealed in a public log"][column];
    assert!(page.text(".band").contains(lead), "{}", page.text(".band"));
}

fn tells_the_product(page: &Page, expected: &Expected, column: usize) {
    assert_eq!(page.text("h2#product"), expected.name[column]);
    // The other language's name stands below, and says which language it is.
    assert_eq!(page.text(".id-other"), expected.name[1 - column]);
    assert_eq!(
        page.attribute(".id-other [lang]", "lang"),
        LANGUAGES[1 - column]
    );
    assert_eq!(
        page.field(["原产地", "Origin"][column]),
        expected.origin[column]
    );
    assert_eq!(
        page.field(["净含量", "Net content"][column]),
        expected.net_content[column]
    );
    assert_eq!(
        page.field(["进口方式", "Import route"][column]),
        expected.regime[column]
    );
    assert_eq!(page.field(["批号", "Batch"][column]), expected.lot);
    let best_before = page.field(["保质期至", "Best before"][column]);
    assert!(
        best_before.starts_with(expected.best_before_text[column]),
        "{best_before}"
    );
    // When it was produced, where that is on record, and until when it is good.
    let dates = page.attributes(".fields time", "datetime");
    assert!(dates.is_sorted() && dates.len() <= 2, "{dates:?}");
    assert_eq!(dates.last(), Some(&expected.best_before.to_string()));
}

fn tells_the_journey(page: &Page, expected: &Expected, column: usize) {
    let steps = page.select("ol.steps > li.step", |step| {
        let part = |selector| words_in(step, selector);
        let entry = part(".when .entry");
        (
            part("h3"),
            part(".when"),
            part(".where"),
            part(".marks"),
            entry,
        )
    });
    assert_eq!(steps.len(), expected.steps);
    let mut entries = Vec::new();
    let unmarked = ["都是商家陈述", "is the merchant’s own statement"][column];
    assert!(page.text(".unmarked").contains(unmarked));
    let mut signed = 0;
    for (stage, when, place, marks, entry) in steps {
        assert!(!stage.unwrap().is_empty());
        assert!(when.unwrap().contains("UTC+"), "the clock of the place");
        assert!(!place.as_ref().unwrap().is_empty());
        // Its laboratory signs what it tests, and is named once, as the place. What the merchant states bears no mark:
        // above the steps it says so once.
        if let Some(marks) = marks {
            assert_eq!(marks, ["第三方签署", "Signed by a third party"][column]);
            let laboratory = ["陶朗加乳品检测中心", "Tauranga Demo Dairy Laboratory"][column];
            assert!(place.unwrap().starts_with(laboratory));
            signed += 1;
        }
        let entry = entry.unwrap();
        assert!(entry.starts_with(["日志第", "Entry #"][column]), "{entry}");
        let digits: String = entry.chars().filter(char::is_ascii_digit).collect();
        entries.push(digits.parse::<u64>().unwrap());
    }
    assert_eq!(signed, expected.signed);
    entries.sort_unstable();
    entries.dedup();
    assert_eq!(
        entries.len(),
        expected.steps,
        "each step is an entry of its own"
    );
    let times: Vec<OffsetDateTime> = page
        .attributes("li.step .when time", "datetime")
        .iter()
        .map(|time| OffsetDateTime::parse(time, &Rfc3339).unwrap())
        .collect();
    assert_eq!(times.len(), expected.steps);
    assert!(times.is_sorted(), "{times:?}");
    let places = page.texts("li.step .where");
    assert!(
        places[0].starts_with(expected.first_place[column]),
        "{}",
        places[0]
    );
    let last = places.last().unwrap();
    assert!(last.starts_with(expected.last_place[column]), "{last}");
    tells_parties_and_documents(page, expected, column);
}

fn tells_parties_and_documents(page: &Page, expected: &Expected, column: usize) {
    let roles = page.texts("li.step .who > span");
    let (from, to) = (["交出方", "From"][column], ["接收方", "To"][column]);
    assert!(roles.iter().any(|role| role == from) && roles.iter().any(|role| role == to));
    assert!(
        roles.iter().all(|role| role == from || role == to),
        "{roles:?}"
    );
    let documents = page.texts("li.step .docs li");
    for document in &expected.documents {
        let title = document[column];
        assert!(
            documents.iter().any(|text| text.starts_with(title)),
            "{title}: {documents:?}"
        );
    }
    assert!(
        documents.iter().any(|text| text.contains(expected.number)),
        "{documents:?}"
    );
    for step in page.select("li.step", |step| step.html()) {
        let step = Page {
            status: 200,
            headers: Default::default(),
            html: step,
        };
        let mut titles = step.texts(".docs li");
        let count = titles.len();
        titles.sort();
        titles.dedup();
        assert_eq!(
            titles.len(),
            count,
            "a document twice in one step: {titles:?}"
        );
    }
}

fn tells_the_proof(app: &TestApp, page: &Page, url: &str, column: usize) {
    assert_eq!(page.text("h2#proof"), ["凭证", "Proof"][column]);
    let size = page.field(["日志总条数", "Log size"][column]);
    assert!(size.starts_with(|c: char| c.is_ascii_digit()), "{size}");
    let root = page.field(["根哈希", "Root"][column]);
    assert!(
        auditlog::Hash::from_base64(&root).is_some(),
        "whole: {root}"
    );
    let origin = app.running.vkey.split('+').next().unwrap();
    assert_eq!(page.field(["日志名称", "Log name"][column]), origin);
    let path = path_of(app, url);
    assert_eq!(
        page.attribute("a[download]", "href"),
        format!("/proof{path}")
    );
    assert_eq!(page.attribute(".qr img", "src"), format!("/qr{path}.svg"));
    assert!(!page.attribute(".qr img", "alt").is_empty());
    assert_eq!(page.text(".qr .address"), url);
    // What it cannot prove is part of what it says.
    let limits = [
        "不能证明写入的内容属实",
        "cannot show that what was recorded was true",
    ];
    assert!(page.text(".limits p").contains(limits[column]));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_and_no_proof_of_the_example_names_a_sibling_or_anything_of_another_lot() {
    let app = TestApp::start().await;
    let example = load_example(&app).await;
    for (position, trace) in example.traces.iter().enumerate() {
        let path = path_of(&app, &trace.url);
        let own = path.rsplit('/').next().unwrap();
        for path in [path.to_owned(), format!("/proof{path}")] {
            let text = app.get_text(&path).await;
            assert!(text.contains(own));
            for serial in example
                .serials
                .iter()
                .flatten()
                .filter(|serial| *serial != own)
            {
                assert!(!text.contains(serial), "{serial} in {path}");
            }
            for foreign in EXPECTED[position].foreign {
                assert!(!text.contains(foreign), "{foreign} in {path}");
            }
            for other in lots_of_other_products(&example, position) {
                assert!(!text.contains(&other), "{other} in {path}");
            }
        }
    }
}

fn lots_of_other_products(example: &Demo, position: usize) -> Vec<String> {
    let traces = example.traces.iter().enumerate();
    let others = traces.filter(|(other, _)| *other != position);
    others
        .map(|(_, trace)| trace.url.split('/').nth_back(2).unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_proof_of_the_example_is_verified_with_the_logs_own_keys() {
    let app = TestApp::start().await;
    let example = load_example(&app).await;
    let log = Verifier::parse(&example.vkey).unwrap();
    let story = Verifier::parse(&example.story_vkey).unwrap();
    let trust = Trust {
        log: Some(&log),
        story: Some(&story),
        anchors: None,
        ..Trust::default()
    };
    for trace in &example.traces {
        let path = path_of(&app, &trace.url);
        let answer = app.get(&format!("/proof{path}")).await;
        let disposition = answer.headers()["Content-Disposition"]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(
            disposition.starts_with("attachment; filename=\"rootmark-0952"),
            "{disposition}"
        );
        let bundle = answer.text().await.unwrap();
        let verified = verify(bundle.as_bytes(), &trust).unwrap();
        assert_eq!(verified.keys, KeysFrom::Verifier);
        // Every step on the page is a statement of the proof.
        let page = Page::get(&app, path, "en").await;
        for mark in page.texts("li.step .entry") {
            let index: u64 = mark.rsplit('#').next().unwrap().parse().unwrap();
            assert!(
                verified.statements.iter().any(|s| s.index.0 == index),
                "{mark}"
            );
        }
        assert!(verify(bundle.replacen("DEMO", "DEMX", 1).as_bytes(), &trust).is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_the_example_stay_small() {
    let app = TestApp::start().await;
    let example = load_example(&app).await;
    for trace in &example.traces {
        for language in LANGUAGES {
            let page = Page::get(&app, path_of(&app, &trace.url), language).await;
            let headers = [("Accept-Encoding", "br"), ("Accept-Language", language)];
            let answer = ask(&app, path_of(&app, &trace.url), &headers).await;
            let sent = answer.bytes().await.unwrap().len();
            let whole = page.html.len();
            println!(
                "{whole:6} bytes, {sent:5} sent, in {language}: {}",
                trace.title
            );
            assert!(
                whole < 40_000 && sent < 10_000,
                "{whole} bytes, {sent} sent"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_planted_faults_are_all_told_and_the_sound_examples_have_none() {
    let app = TestApp::start().await;
    let demo = load_variant(&app, Variant::WithFaults).await;
    let (faulty, sound) = demo.traces.split_last().unwrap();
    assert_eq!(sound.len(), 3);
    for (language, title, sentences) in [
        (
            "en",
            "On record, with doubts",
            [
                "“Accepted by customs” at Yangshan Customs (Demo) on 3 July 2026, 10:00 UTC+8 comes",
                "the record has it in another case or pallet, (00)095210410001009017.",
                "The temperature reached 33.8 °C",
                "It was outside that for 9 hours in all",
                "1,120 kg went into a process, and at least 1,340 kg came out of it.",
            ],
        ),
        (
            "zh-CN",
            "有记录，但有疑点",
            [
                "洋山口岸海关（演示）“海关受理”在2026年7月3日 10:00（UTC+8），",
                "它此前已装入 (00)",
                "温度曾达 33.8 °C",
                "累计超出 9 小时",
                "原料只有 1,120 千克，成品却至少有 1,340 千克",
            ],
        ),
    ] {
        let page = app.page(path_of(&app, &faulty.url), language).await;
        let page = page.text().await.unwrap();
        assert!(page.contains(title), "{page}");
        for sentence in sentences {
            assert!(page.contains(sentence), "{sentence}: {page}");
        }
        for trace in sound {
            let page = app.page(path_of(&app, &trace.url), language).await;
            let page = page.text().await.unwrap();
            assert!(!page.contains(title), "{page}");
            // Nothing that their routes expect is missing, and nothing is left out of what they say.
            assert!(page.contains(r#"<p class="route-sum">"#));
            for mark in ["absent", "src missing", "doubt", "broken"] {
                let is_marked = page.contains(&format!(r#"class="{mark}""#));
                // The legend explains all marks.
                let legend = mark == "src missing" && page.matches(mark).count() == 1;
                assert!(!is_marked || legend, "{mark}: {} {page}", trace.url);
            }
        }
    }
    // Each is told again where it is: at its step, with the curve, and between the steps.
    let page = Page::get(&app, path_of(&app, &faulty.url), "en").await;
    let doubtful = page.select(".step-doubt", |step| {
        (
            words_in(step, "h3").unwrap(),
            words_in(step, ".doubt").unwrap(),
        )
    });
    let titles: Vec<&str> = doubtful.iter().map(|(title, _)| title.as_str()).collect();
    let places = [
        "Accepted by customs",
        "Made into this product",
        "Conditions monitored",
        "Unpacked",
    ];
    assert_eq!(titles, places);
    assert!(doubtful[2].1.starts_with("The temperature reached 33.8 °C"));
    let readings = page.select(".sensor", |sensor| words_in(sensor, ".broken"));
    let broken = "To be kept from 0 °C to 25 °C: some readings outside it.";
    assert!(readings.contains(&Some(broken.to_owned())), "{readings:?}");
    assert_eq!(page.texts(".curve .out").len(), 1);
    let order = page.select(".steps > li", |row| {
        words_in(row, "h3").or(words_in(row, ".doc > b")).unwrap()
    });
    let place = |name: &str| order.iter().position(|row| row == name).expect(name);
    assert!(place("Tested before release") > place("Made into this product"));
    assert!(place("Arrived in China") > place("Given its code"));
    assert!(place("Left the exporting country") > place("Packed"));
    assert!(place("Arrived in China") < place("Conditions monitored"));
    assert!(place("Received by the shop") > place("Unpacked"));
    let lacking = page.select(".step", |step| words_in(step, ".docs .missing"));
    assert_eq!(lacking.iter().flatten().count(), 3, "{lacking:?}");
}
