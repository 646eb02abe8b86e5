//! Phones that send each key in two ways, by INFO and in their audio, in whatever order these come.

use super::*;

/// How a key comes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum By {
    Info,
    Audio,
}

impl World {
    /// A caller is in the menu and does nothing by themselves.
    fn in_a_menu() -> World {
        let mut world = World::new(1);
        world.loss_percent = 0;
        world.due.clear();
        world.one_call();
        world.due.retain(|_, due| matches!(due, Due::Datagram { .. }));
        world.goes_on(PLAY + Duration::from_secs(1));
        assert!(world.streams.barge_in, "a key stops the menu");
        world
    }

    fn goes_on(&mut self, time: Duration) {
        self.run_until(self.now + time);
    }

    fn keys(&mut self, by: By, digit: char) {
        match by {
            By::Info => {
                let session = SessionId((1 << 63) + 1);
                let body = format!("Signal={digit}\r\nDuration=160\r\n").into();
                let content_type = "application/dtmf-relay";
                self.phone(CALLER, sip::Input::Command(Command::Info { session, content_type, body }));
            }
            By::Audio => {
                let leg = LegId::of(CallId(1), 0);
                self.tell(Input::Media(MediaEvent::Digit { leg, digit }));
            }
        }
        self.goes_on(Duration::from_millis(100));
    }

    fn keyed(&self) -> String {
        let digit = |fact: &Fact| match fact.what {
            What::Digit { digit } => Some(digit),
            _ => None,
        };
        self.facts.iter().filter_map(digit).collect()
    }
}

#[test]
fn a_key_that_is_sent_in_two_ways_is_one_key_whichever_comes_first() {
    for order in [[By::Info, By::Audio], [By::Audio, By::Info]] {
        let mut world = World::in_a_menu();
        for digit in ['5', '5'] {
            order.into_iter().for_each(|by| world.keys(by, digit));
        }
        assert_eq!(world.keyed(), "55", "{order:?}");
    }
}

#[test]
fn the_copy_of_a_key_does_not_stop_the_prompt_that_the_key_began() {
    for by in [By::Info, By::Audio] {
        let mut world = World::in_a_menu();
        world.keys(by, '5');
        assert_eq!(world.keyed(), "5");
        assert_eq!(world.streams.barge_in, by == By::Audio, "{by:?}");
    }
}
