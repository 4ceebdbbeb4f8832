//! What the sources would be with one guarantee less: a test for each, named as here, sees a
//! model fail.

/// A name, the file, and what stands in it in place of what.
pub type Weakened = (&'static str, &'static str, &'static str, &'static str);

const TURN: &str = "sink/turn.rs";
const CHANGE: &str = "level/change.rs";
const TIMER: &str = "level/timer.rs";

pub const WEAKENED: &[Weakened] = &[
    (
        "takes_without_acquire",
        TURN,
        ".compare_exchange(from, to, Ordering::Acquire, Ordering::Relaxed)",
        ".compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed)",
    ),
    (
        "gives_back_without_release",
        TURN,
        "Ordering::Release, Ordering::Relaxed",
        "Ordering::Relaxed, Ordering::Relaxed",
    ),
    (
        "gives_back_without_a_look_at_the_ticket",
        TURN,
        ".compare_exchange(self.mine, 0, Ordering::Release, Ordering::Relaxed);",
        ".swap(0, Ordering::Release);",
    ),
    (
        "gives_back_nothing",
        TURN,
        ".compare_exchange(self.mine, 0, Ordering::Release, Ordering::Relaxed);",
        ".load(Ordering::Relaxed);",
    ),
    (
        "shares_tickets",
        TURN,
        "let ticket = TICKETS.fetch_add(1, Ordering::Relaxed);",
        "let ticket = 0_u32;",
    ),
    (
        "takes_over_without_a_comparison",
        TURN,
        "self.swap(holder, mine)",
        "{ self.holder.store(mine, Ordering::SeqCst); true }",
    ),
    (
        "takes_over_from_its_own",
        TURN,
        "if is_foreign(holder) {",
        "if is_foreign(holder) || true {",
    ),
    (
        "never_takes_over",
        TURN,
        "if is_foreign(holder) {",
        "if false {",
    ),
    (
        "never_gives_up",
        TURN,
        "if give_up() {",
        "if give_up() && false {",
    ),
    // Rebuilds are put in order by tracing-core's own lock too; `log`'s maximum by this one only.
    (
        "applies_two_at_once",
        CHANGE,
        "let _turn = lock(&ONE_AT_A_TIME);",
        "",
    ),
    (
        "applies_later",
        CHANGE,
        "        self.apply();\n        self.apply_again();\n",
        "        self.apply_again();\n",
    ),
    (
        "stores_unlocked",
        CHANGE,
        "        let changed = self.store(&mut pending, to, by, ttl).map_err(|error| {",
        "        drop(pending);\n        let mut alone = Pending::default();\n        let changed = self.store(&mut alone, to, by, ttl);\n        let mut pending = lock(&self.shared.pending);\n        pending.untold.append(&mut alone.untold);\n        let changed = changed.map_err(|error| {",
    ),
    (
        "tells_the_newest_first",
        CHANGE,
        "pending.untold.pop_front()",
        "pending.untold.pop_back()",
    ),
    (
        "leaves_log_alone",
        CHANGE,
        "        self.follow_in_log();\n    }\n\n    /// A callsite",
        "    }\n\n    /// A callsite",
    ),
    (
        "tells_two_at_once",
        CHANGE,
        "if pending.telling {",
        "if false {",
    ),
    (
        "does_not_wait_for_its_line",
        CHANGE,
        "let _ = told.wait_timeout_while(pending, LINE_TAKES, is_telling);",
        "",
    ),
    (
        "wakes_one_of_those_who_wait",
        CHANGE,
        "self.shared.told.notify_all();",
        "self.shared.told.notify_one();",
    ),
    (
        "waits_for_its_own_line",
        CHANGE,
        "if !TELLING.get() {",
        "if true {",
    ),
    (
        "asks_once",
        CHANGE,
        "        self.apply_again();\n        self.announce();",
        "        self.announce();",
    ),
    (
        "asks_again_but_once",
        CHANGE,
        "time.elapsed() < ASK_LAST",
        "false && time.elapsed() < ASK_LAST",
    ),
    (
        "asks_the_current_subscriber",
        CHANGE,
        "drop(Dispatch::new(NoSubscriber::new()));",
        "",
    ),
    (
        "ends_whatever_is_in_force",
        CHANGE,
        "Some(_) => {",
        "_ => {",
    ),
    (
        "keeps_an_old_limit",
        CHANGE,
        "pending.until = until;",
        "pending.until = until.or(pending.until);",
    ),
    (
        "ends_renewals_early",
        CHANGE,
        "Some(until) if until > Instant::now() => {",
        "Some(until) if false && until > Instant::now() => {",
    ),
    (
        "has_no_shorter_timer",
        CHANGE,
        "pending.timer.is_none_or(|due| due > until)",
        "pending.timer.is_none()",
    ),
    (
        "forgets_to_set_the_timer_again",
        CHANGE,
        "        pending.timer = None;\n",
        "",
    ),
    ("adds_silently", TIMER, "    CHANGED.notify_one();\n", ""),
    (
        "starts_a_thread_each_time",
        TIMER,
        "        timer.running = true;\n",
        "",
    ),
];
