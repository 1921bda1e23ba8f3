//! What postings promise.

use proptest::prelude::*;

use super::*;

fn index() -> impl Strategy<Value = BatchIndex> {
    let event = (
        1..50_i32,
        any::<i64>(),
        proptest::collection::vec(-3..9_i64, 0..6),
    );
    let events = proptest::collection::vec(event, 0..12);
    let words = proptest::collection::vec((0..7_usize, "[a-zé:]{0,9}"), 0..4);
    (events, words).prop_map(|(events, words)| {
        let mut index = BatchIndex::default();
        let mut position = -1;
        for (step, event_ms, terms) in events {
            position += step;
            index.push(position, event_ms, terms.into_iter().map(Term));
        }
        for (kind, word) in words {
            index.push_word(WordKind::ALL[kind], &word);
        }
        index
    })
}

fn postings() -> impl Strategy<Value = Vec<Posting>> {
    let posting = (0..3_u128, 0..500_i32, 0..MINUTE_MS);
    proptest::collection::vec(posting, 0..30).prop_map(|all| {
        let posting = |(batch, position, event_ms)| Posting {
            event_ms: -MINUTE_MS + event_ms,
            // A batch has one time.
            recorded_ms: 7 * MINUTE_MS + batch as i64,
            id: StatementId {
                batch_id: Uuid::from_u128(batch),
                position,
            },
        };
        let mut all: Vec<Posting> = all.into_iter().map(posting).collect();
        all.sort_by_key(|posting| posting.id);
        all.dedup_by_key(|posting| posting.id);
        all
    })
}

const MINUTES: Minutes = Minutes {
    event: -1,
    recorded: 7,
};

proptest! {
    #[test]
    fn what_is_found_in_the_bytes_is_what_the_index_holds(index in index(), term in -3..9_i64) {
        let bytes = index.encode();
        let mut wanted = WantedTerms::default();
        wanted.add(&[Term(term)]);
        let mut found = Vec::new();
        find_in_batch(&bytes, Uuid::nil(), 9, &wanted, |posting| found.push(posting)).unwrap();
        let all = index.postings(Uuid::nil(), 9).filter(|(of, _)| *of == Term(term));
        prop_assert_eq!(found, all.map(|(_, posting)| posting).collect::<Vec<_>>());
        let mut words = Vec::new();
        words_in_batch(&bytes, |kind, word| words.push((kind, word.to_owned()))).unwrap();
        let all = index.words().map(|(kind, word)| (kind, word.to_owned()));
        prop_assert_eq!(words, all.collect::<Vec<_>>());
    }

    #[test]
    fn a_batchs_index_comes_back_as_it_was(index in index()) {
        prop_assert_eq!(BatchIndex::decode(&index.encode()), Ok(index));
    }

    #[test]
    fn no_bit_of_a_batchs_index_changes_unseen(index in index(), at in any::<usize>(), bit in 0..8_u32) {
        let mut bytes = index.encode();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        prop_assert_ne!(BatchIndex::decode(&bytes), Ok(index));
    }

    #[test]
    fn a_row_comes_back_as_it_was(mut all in postings()) {
        let bytes = encode_row(MINUTES, &mut all);
        let mut back = Vec::new();
        prop_assert_eq!(decode_row(MINUTES, &bytes, &mut back), Ok(()));
        prop_assert_eq!(back, all);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let mut bytes = bytes;
        bytes.insert(0, VERSION);
        let _ = BatchIndex::decode(&bytes);
        let _ = decode_row(MINUTES, &bytes, &mut Vec::new());
        let _ = find_in_batch(&bytes, Uuid::nil(), 0, &WantedTerms::default(), |_| ());
        let _ = words_in_batch(&bytes, |_, _| ());
    }
}

#[test]
fn an_event_is_found_by_each_of_its_terms_and_by_no_other() {
    let (step, place) = (Term::of("bizStep", "shipping"), Term::exists("readPoint"));
    let mut index = BatchIndex::default();
    index.push(0, -5, [step, step]);
    index.push(3, 7, [place]);
    let bytes = index.encode();
    let at = |conditions: &[&[Term]]| -> Vec<i32> {
        let mut wanted = WantedTerms::default();
        for terms in conditions {
            wanted.add(terms);
        }
        let mut found = Vec::new();
        find_in_batch(&bytes, Uuid::nil(), 9, &wanted, |posting| {
            found.push(posting.id.position);
        })
        .unwrap();
        found
    };
    let receiving = Term::of("bizStep", "receiving");
    assert_eq!(at(&[&[step]]), [0]);
    assert_eq!(at(&[&[place]]), [3]);
    assert_eq!(at(&[&[step, place]]), [0, 3]);
    assert_eq!(at(&[&[receiving]]), [0; 0]);
    // Every condition must be met, and where there is none each event is found.
    assert_eq!(at(&[&[step], &[place]]), [0; 0]);
    assert_eq!(at(&[&[step], &[step, place]]), [0]);
    assert_eq!(at(&[]), [0, 3]);
    let place = [place];
    let many = vec![place.as_slice(); 70];
    assert_eq!(at(&many), [3]);
    assert_ne!(Term::of("a", "b"), Term::of("ab", ""));
    assert_ne!(Term::exists("a"), Term::of("a", ""));
}

#[test]
fn minutes_before_1970_are_minutes_too() {
    assert_eq!(
        [minute(-1), minute(0), minute(59_999), minute(60_000)],
        [-1, 0, 0, 1]
    );
}

#[test]
fn the_terms_of_one_event_are_replaced_and_of_no_other() {
    let build = |second: &[i64]| {
        let mut index = BatchIndex::default();
        index.push(0, 5, [Term(1), Term(2)]);
        index.push(3, 6, second.iter().copied().map(Term));
        index.push(4, 7, [Term(2), Term(4)]);
        index
    };
    for (before, after) in [
        (&[1, 2, 3][..], &[2, 5][..]),
        (&[9], &[]),
        (&[], &[1, 4]),
        (&[2], &[2]),
    ] {
        let mut index = build(before);
        index.replace(3, after.iter().copied().map(Term)).unwrap();
        assert_eq!(index, build(after), "{before:?} {after:?}");
        assert_eq!(index.encode(), build(after).encode());
    }
    assert_eq!(build(&[1]).replace(2, [Term(1)]), None);
}
