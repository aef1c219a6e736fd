//! Sign-in with a second factor: codes of an authenticator app, and recovery codes.

use crate::accounts::{PASSWORD, Response, World};
use quaylight::model::AccountChange;
use regex::Regex;
use std::time::{SystemTime, UNIX_EPOCH};
use totp_rs::{Algorithm, Secret, TOTP};

/// The authenticator app of a user.
struct App(TOTP);

impl App {
    fn new(key: &str) -> Self {
        let secret = Secret::Encoded(key.replace(' ', "")).to_bytes().unwrap();
        Self(TOTP::new(Algorithm::SHA1, 6, 0, 30, secret).unwrap())
    }

    /// The code that follows the current one after this many steps.
    fn code(&self, later: i64) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        self.0.generate(now.checked_add_signed(later * 30).unwrap())
    }
}

fn found(pattern: &str, text: &str) -> Vec<String> {
    Regex::new(pattern).unwrap().find_iter(text).map(|it| it.as_str().to_owned()).collect()
}

fn start(password: &str) -> AccountChange {
    AccountChange::StartTwoFactor { host: "nas.local".into(), password: password.into() }
}

impl World {
    /// Turns on the user's second factor. Returns the app and the recovery codes.
    async fn enable_two_factor(&self, cookie: &str) -> (App, Vec<String>) {
        let (status, body) = self.change(cookie, start(PASSWORD)).await;
        assert_eq!(status, 200, "{body}");
        let app = App::new(&found("[A-Z2-7]{4}( [A-Z2-7]{4}){7}", &body)[0]);
        let (status, body) = self.change(cookie, AccountChange::EnableTwoFactor { code: app.code(0) }).await;
        assert_eq!(status, 200, "{body}");
        (app, found("[0-9]{4}-[0-9]{4}-[0-9]{4}", &body))
    }

    /// Enters the right password. Returns what a code has to be sent with.
    async fn unfinished(&self) -> String {
        let form = self.sign_in("anna", PASSWORD, "/images").await;
        assert!(form.status == 200 && form.header("set-cookie").is_none(), "{}", form.head);
        assert!(form.body.contains("one-time-code"), "{}", form.body);
        hidden(&form.body)
    }

    async fn finish(&self, unfinished: &str, code: &str) -> Response {
        let encoded = unfinished.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        self.post_form("/login/code", &format!("unfinished={encoded}&code={code}&next=%2Fimages")).await
    }
}

/// The value of the hidden field `unfinished`.
fn hidden(form: &str) -> String {
    let tag = &found("<input[^>]*name=\"unfinished\"[^>]*>", form)[0];
    Regex::new("value=\"([^\"]*)\"").unwrap().captures(tag).unwrap()[1].to_owned()
}

#[tokio::test]
async fn sign_in_needs_a_code_that_is_accepted_once() {
    let world = World::start().await;
    let anna = world.set_up().await;
    let other = world.sign_in("anna", PASSWORD, "").await.cookie();
    assert!(world.change(&anna, start("wrong")).await.1.contains("current password is wrong"));
    let none = world.change(&anna, AccountChange::EnableTwoFactor { code: "123456".into() }).await;
    assert!(none.1.contains("Start again"), "{}", none.1);
    let (app, recovery) = world.enable_two_factor(&anna).await;
    assert_eq!(recovery.len(), 10);
    assert_eq!(world.get("/api/state", &anna).await.status, 200);
    assert_eq!(world.get("/api/state", &other).await.status, 401, "it was opened with the password alone");
    assert!(world.change(&anna, start(PASSWORD)).await.1.contains("already on"));

    let unfinished = world.unfinished().await;
    for header in
        [format!("Cookie: quaylight_session={unfinished}\r\n"), format!("Authorization: Bearer {unfinished}\r\n")]
    {
        assert_eq!(world.get("/api/state", &header).await.status, 401);
    }
    let wrong = world.finish(&unfinished, "000000").await;
    assert!(wrong.status == 401 && wrong.body.contains("Wrong code"), "{}", wrong.body);
    assert_eq!(hidden(&wrong.body), unfinished);
    assert_eq!(world.finish(&unfinished, &app.code(0)).await.status, 401, "it turned the second factor on");
    let next = app.code(1);
    let signed_in = world.finish(&unfinished, &next).await;
    assert_eq!((signed_in.status, signed_in.header("location")), (303, Some("/images")));
    assert_eq!(world.get("/api/state", &signed_in.cookie()).await.status, 200);
    assert_eq!(world.finish(&world.unfinished().await, &next).await.status, 401, "a second time");

    let world = world.restarted();
    assert_eq!(world.finish(&unfinished, &recovery[3]).await.status, 303);
    assert_eq!(world.finish(&unfinished, &recovery[3]).await.status, 401, "a second time");
    let stored = std::fs::read_to_string(world.folder.path().join("users.json")).unwrap();
    assert!(!stored.contains(&recovery[0]) && !stored.contains(&recovery[0].replace('-', "")), "{stored}");

    let turn_off = |password: &str, code: &str| {
        let (password, code) = (password.to_owned(), code.to_owned());
        world.change(&anna, AccountChange::DisableTwoFactor { password, code })
    };
    assert!(turn_off("wrong", &recovery[1]).await.1.contains("current password is wrong"));
    assert!(turn_off(PASSWORD, "000000").await.1.contains("Wrong code"));
    assert_eq!(turn_off(PASSWORD, &recovery[1]).await.0, 200);
    assert_eq!(world.sign_in("anna", PASSWORD, "").await.status, 303);
    let events = world.get("/api/events?kind=user&limit=200", &anna).await.body;
    for action in ["start_two_factor", "enable_two_factor", "disable_two_factor"] {
        assert!(events.contains(action), "{action}: {events}");
    }
    assert!(!events.contains(&recovery[1]) && !events.contains(&next));
}

#[tokio::test]
async fn unfinished_sign_in_ends_with_a_new_password() {
    let world = World::start().await;
    let anna = world.set_up().await;
    let (app, recovery) = world.enable_two_factor(&anna).await;
    assert_eq!(world.finish("AAAA", &app.code(1)).await.status, 401);
    let unfinished = world.unfinished().await;
    assert!(world.user(&["list"], "").contains("two-factor authentication"));
    let reset = world.user(&["reset", "anna", "--password-stdin"], "another long password");
    assert!(reset.is_empty(), "{reset}");
    let ended = world.finish(&unfinished, &recovery[0]).await;
    assert!(ended.status == 401 && ended.body.contains("Start again") && ended.body.contains("current-password"));
    assert_eq!(world.sign_in("anna", "another long password", "").await.status, 303, "the reset turned it off");
}

#[tokio::test]
async fn guessed_codes_are_limited_also_with_the_right_password() {
    let world = World::start().await;
    let anna = world.set_up().await;
    let (app, _) = world.enable_two_factor(&anna).await;
    let mut statuses = Vec::new();
    for guess in 0..6 {
        // A right password forgives no wrong code.
        let form = world.sign_in("anna", PASSWORD, "").await;
        if form.status == 429 {
            statuses.push(429);
            continue;
        }
        statuses.push(world.finish(&hidden(&form.body), &format!("00000{guess}")).await.status);
    }
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429]);
    let (password, code) = (PASSWORD.to_owned(), app.code(1));
    let turned_off = world.change(&anna, AccountChange::DisableTwoFactor { password, code }).await;
    assert!(turned_off.1.contains("Too many failed attempts"), "{}", turned_off.1);
}
