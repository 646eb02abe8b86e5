//! For how long the history is kept.

use super::harm::CENTER;
use super::harm::END;
use super::harm::center;
use super::read;

#[test]
fn what_a_center_says_of_its_history() {
    let kept = |text: &str| {
        let text = format!("{CENTER}{text}\n");
        let kept = read(&[("center.yaml", &text), ("main.yaml", END)]).unwrap().0.keep_history;
        kept.map(|kept| kept.as_secs() / 86_400)
    };
    assert_eq!((kept(""), kept("keep_history: 24 months")), (Some(744), Some(744)));
    assert_eq!((kept("keep_history: 400d"), kept("keep_history: for ever")), (Some(400), None));
    center(
        &format!("{CENTER}keep_history: a while\n"),
        "center.yaml:6:15: error: \"a while\" is not how long a history is kept \
         (write it as 24 months or 730d, at most 3650d, or for ever)",
    );
}
