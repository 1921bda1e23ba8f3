//! Whoever guesses serial numbers finds none, and learns nothing from how he is refused.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::kit::issue;
use crate::support::{GTIN, TestApp};

/// Crockford's base 32, of which serials are made.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Guesses in an ordinary run; `ROOTMARK_SOAK=1` makes them a million.
const GUESSES: usize = 2_000;
const AT_ONCE: usize = 8;

/// Makes serials of one kind.
type Guess = Box<dyn FnMut() -> String>;

fn guess() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).unwrap();
    let letter = |byte: &u8| char::from(ALPHABET[usize::from(byte % 32)]);
    bytes.iter().map(letter).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guessed_serials_find_nothing_and_all_look_alike() {
    let app = TestApp::start().await;
    // The more there are, the easier one is found: 10,000,000 of 2^80.
    issue(&app, Some("L1"), 1).await;
    let order = format!(r#"{{"gtin":"{GTIN}","lot":"L1","quantity":9999999}}"#);
    assert_eq!(app.post("/api/code-ranges", order).await.status(), 201);
    let real = app.issue("L2", 1).await.remove(0);
    assert_eq!(
        app.get(&real).await.status(),
        200,
        "what is issued is found"
    );
    let guesses = match std::env::var_os("ROOTMARK_SOAK") {
        Some(_) => 1_000_000,
        None => GUESSES,
    };
    let began = Instant::now();
    let guessing = (0..AT_ONCE).map(|_| {
        let app = &app;
        async move {
            let mut seen = BTreeSet::new();
            for _ in 0..guesses / AT_ONCE {
                let path = format!("/01/{GTIN}/21/{}", guess());
                let answer = app.page(&path, "en").await;
                let (status, length) = (answer.status().as_u16(), answer.content_length());
                seen.insert((status, length));
                answer.bytes().await.unwrap();
            }
            seen
        }
    });
    let seen = futures_util::future::join_all(guessing).await;
    let seen: BTreeSet<_> = seen.into_iter().flatten().collect();
    println!(
        "{guesses} guesses in {:.0} s",
        began.elapsed().as_secs_f64()
    );
    // One status and one length: nothing tells one guess from another.
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!(seen.first().unwrap().0, 404);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_in_which_a_guess_is_refused_is_known() {
    let app = TestApp::start().await;
    let real = issue(&app, Some("L1"), 1).await.remove(0);
    let serial = real.rsplit_once("/21/").unwrap().1.to_owned();
    let mut kinds: [(&str, Guess); 3] = [
        ("a guess", Box::new(guess)),
        ("one letter wrong", {
            let mut place = 0;
            Box::new(move || {
                place = (place + 1) % 16;
                let mut letters: Vec<char> = serial.chars().collect();
                letters[place] = if letters[place] == 'X' { 'Y' } else { 'X' };
                letters.into_iter().collect()
            })
        }),
        (
            "no serial of ours, by its letters",
            Box::new(|| "ABCDEFGHIJKLMNOU".to_owned()),
        ),
    ];
    let mut times: [Vec<Duration>; 3] = Default::default();
    let mut lengths = BTreeSet::new();
    // In turn, so that whatever slows the machine slows all three.
    for _ in 0..200 {
        for ((_, serial), times) in kinds.iter_mut().zip(&mut times) {
            let path = format!("/01/{GTIN}/21/{}", serial());
            let began = Instant::now();
            let answer = app.page(&path, "en").await;
            assert_eq!(answer.status(), 404, "{path}");
            lengths.insert(answer.bytes().await.unwrap().len());
            times.push(began.elapsed());
        }
    }
    for ((name, _), times) in kinds.iter().zip(&mut times) {
        times.sort_unstable();
        println!(
            "{name}: {:?} median, {:?} of nineteen in twenty",
            times[100], times[190]
        );
    }
    assert_eq!(lengths.len(), 1, "{lengths:?}");
    app.stop().await;
}
