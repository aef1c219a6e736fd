//! Sign-in, setup and sign-out: forms that work without scripts.

use super::{
    client_address::{ClientAddress, PeerAddress},
    pages::form_page,
};
use crate::{
    message,
    model::Message,
    server::{
        app::App,
        auth::{
            Auth, Caller, Client, Oidc, OidcError, PasswordSignIn, Returned, SIGN_IN_WITHIN, SignInError, SignedIn,
            UsersError, cookie,
        },
        operations::{note_failed_sign_in, note_session},
        percent,
        problem::Problem,
    },
    views::{CodeForm, SetupForm, SignInForm, failure},
    wire::routes,
};
use axum::{
    Form,
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{AppendHeaders, IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use std::net::IpAddr;

/// In bytes, of the page to return to after a sign-in at an OpenID provider.
const LONGEST_NEXT: usize = 1_024;

#[derive(Default, Deserialize)]
pub struct LoginQuery {
    /// The page to return to.
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
pub struct Login {
    name: String,
    password: String,
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
pub struct LoginCode {
    unfinished: String,
    code: String,
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
pub struct SetupQuery {
    #[serde(default)]
    token: String,
}

#[derive(Deserialize)]
pub struct Setup {
    token: String,
    name: String,
    password: String,
}

/// `GET /login`. Redirects those who need no sign-in.
pub async fn login_page(
    State(app): State<App>,
    caller: Result<Caller, Problem>,
    PeerAddress(peer): PeerAddress,
    Query(query): Query<LoginQuery>,
    headers: HeaderMap,
) -> Response {
    match &app.auth {
        _ if caller.is_ok() => redirect(&app, local(&query.next)),
        Auth::Password(auth) if auth.needs_setup() && auth.oidc().is_none() => redirect(&app, "/setup"),
        Auth::Proxy(auth) => {
            let reason = auth.refusal(&headers, peer);
            form_page(&app, &headers, (StatusCode::UNAUTHORIZED, message!("Sign in")), || failure(reason))
        }
        auth => {
            let form =
                login_form(&app, &headers, StatusCode::OK, SignInForm { next: query.next, ..SignInForm::default() });
            // A page that loses its connection by its own sign-out comes here before it has the response to that.
            let is_over =
                matches!(auth, Auth::Password(auth) if auth.knows_sessions()) && cookie::token(&headers).is_some();
            if is_over { (AppendHeaders(cookie::removals(&app.base_path)), form).into_response() } else { form }
        }
    }
}

/// `POST /login`: signs in and redirects to the page in `next`, or asks for a code.
pub async fn login(
    State(app): State<App>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    Form(Login { name, password, next }): Form<Login>,
) -> Response {
    let Auth::Password(auth) = &app.auth else { return redirect(&app, "/") };
    let client = Client { address, device: device(&headers) };
    match auth.sign_in(client, &name, password, cookie::token(&headers)).await {
        Ok(SignedIn::Session(token)) => start(&app, auth, &headers, address, &token, &next),
        Ok(SignedIn::NeedsCode(unfinished)) => {
            code_form(&app, &headers, StatusCode::OK, CodeForm { unfinished, next, error: None })
        }
        Err(error) => {
            // The other failures are of the server, or are repetitions of this one.
            if matches!(error, SignInError::Wrong) {
                note_failed_sign_in(&app, address, &name, error.message());
            }
            login_form(
                &app,
                &headers,
                status(&error),
                SignInForm { next, name, error: Some(message_of(&error)), ..SignInForm::default() },
            )
        }
    }
}

/// `POST /login/code`: finishes a sign-in with a code.
pub async fn login_code(
    State(app): State<App>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    Form(LoginCode { unfinished, code, next }): Form<LoginCode>,
) -> Response {
    let Auth::Password(auth) = &app.auth else { return redirect(&app, "/") };
    let client = Client { address, device: device(&headers) };
    match auth.finish(client, unfinished.clone(), code, cookie::token(&headers)).await {
        Ok(token) => start(&app, auth, &headers, address, &token, &next),
        Err((error, name)) => {
            let (status, message) = (status(&error), Some(message_of(&error)));
            if let (SignInError::WrongCode, Some(name)) = (&error, &name) {
                note_failed_sign_in(&app, address, name, error.message());
            }
            if matches!(error, SignInError::Expired) {
                let form = SignInForm { next, name: name.unwrap_or_default(), error: message, ..SignInForm::default() };
                return login_form(&app, &headers, status, form);
            }
            code_form(&app, &headers, status, CodeForm { unfinished, next, error: message })
        }
    }
}

/// `GET /login/oidc`: redirects to the OpenID provider.
pub async fn login_oidc(State(app): State<App>, Query(query): Query<LoginQuery>, headers: HeaderMap) -> Response {
    let Some(auth) = with_provider(&app) else { return redirect(&app, "/") };
    // Browsers drop cookies of more than 4 KB.
    let next = Some(local(&query.next)).filter(|it| it.len() <= LONGEST_NEXT).unwrap_or("/").to_owned();
    match auth.start_at_provider(next).await {
        Ok((address, started)) => {
            let cookie = started_cookie(&app, auth, &started, SIGN_IN_WITHIN / 1_000);
            ([(header::SET_COOKIE, cookie)], Redirect::to(&address)).into_response()
        }
        Err(error) => refused(&app, &headers, query.next, &error),
    }
}

/// `GET /login/oidc/callback`: the OpenID provider redirects the browser here.
pub async fn login_oidc_callback(
    State(app): State<App>,
    ClientAddress(address): ClientAddress,
    Query(returned): Query<Returned>,
    headers: HeaderMap,
) -> Response {
    let Some(auth) = with_provider(&app) else { return redirect(&app, "/") };
    let client = Client { address, device: device(&headers) };
    let response =
        match auth.finish_at_provider(client, cookie::started(&headers), returned, cookie::token(&headers)).await {
            Ok((token, next)) => {
                note(&app, auth.caller(&token, address), "sign_in");
                let is_https = auth.oidc().is_some_and(Oidc::is_https);
                let cookie = cookie::of_session(&token, &app.base_path, is_https);
                ([(header::SET_COOKIE, cookie)], redirect(&app, local(&next))).into_response()
            }
            Err(error) => {
                // Whom the provider has recognized.
                if let SignInError::Oidc(OidcError::NoGroup { name, .. })
                | SignInError::Users(UsersError::NameTaken(name)) = &error
                {
                    note_failed_sign_in(&app, address, name, error.message());
                }
                refused(&app, &headers, String::new(), &error)
            }
        };
    (AppendHeaders([(header::SET_COOKIE, started_cookie(&app, auth, "", 0))]), response).into_response()
}

fn with_provider(app: &App) -> Option<&PasswordSignIn> {
    match &app.auth {
        Auth::Password(auth) => auth.oidc().is_some().then_some(auth),
        Auth::None | Auth::Proxy(_) => None,
    }
}

/// The sign-in form, with why a sign-in at the OpenID provider failed.
fn refused(app: &App, headers: &HeaderMap, next: String, error: &SignInError) -> Response {
    tracing::warn!(cause = ?error, "failed sign-in at the OpenID provider");
    let form = SignInForm { next, error: Some(message_of(error)), ..SignInForm::default() };
    login_form(app, headers, status(error), form)
}

fn started_cookie(app: &App, auth: &PasswordSignIn, value: &str, max_age: i64) -> HeaderValue {
    cookie::of_started(value, max_age, &app.base_path, auth.oidc().is_some_and(Oidc::is_https))
}

/// Redirects to the page in `next`, with the cookie of a new session.
fn start(app: &App, auth: &PasswordSignIn, headers: &HeaderMap, address: IpAddr, token: &str, next: &str) -> Response {
    note(app, auth.caller(token, address), "sign_in");
    signed_in(app, headers, token, local(next))
}

/// `POST /logout`: ends the session.
pub async fn logout(State(app): State<App>, ClientAddress(address): ClientAddress, headers: HeaderMap) -> Response {
    if let (Auth::Password(auth), Some(token)) = (&app.auth, cookie::token(&headers)) {
        note(&app, auth.caller(token, address), "sign_out");
        auth.sign_out(token).await;
    }
    (AppendHeaders(cookie::removals(&app.base_path)), redirect(&app, "/login")).into_response()
}

/// `GET /setup?token=…`: the form that creates the first user. Without the token it says where to find the link.
pub async fn setup_page(State(app): State<App>, Query(query): Query<SetupQuery>, headers: HeaderMap) -> Response {
    match &app.auth {
        Auth::Password(auth) if auth.needs_setup() => {
            setup_form(&app, &headers, StatusCode::OK, SetupForm { token: query.token, ..SetupForm::default() })
        }
        _ => redirect(&app, "/login"),
    }
}

/// `POST /setup`: creates the first user and signs in.
pub async fn setup(
    State(app): State<App>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    Form(Setup { token, name, password }): Form<Setup>,
) -> Response {
    let Auth::Password(auth) = &app.auth else { return redirect(&app, "/") };
    let client = Client { address, device: device(&headers) };
    match auth.set_up(client, &token, &name, password).await {
        Ok(token) => {
            note(&app, auth.caller(&token, address), "set_up");
            signed_in(&app, &headers, &token, "/")
        }
        Err(error) => {
            setup_form(&app, &headers, status(&error), SetupForm { token, name, error: Some(message_of(&error)) })
        }
    }
}

fn note(app: &App, caller: Option<Caller>, action: &str) {
    if let Some(caller) = caller {
        note_session(app, &caller, action);
    }
}

fn device(headers: &HeaderMap) -> String {
    let agent = headers.get(header::USER_AGENT).and_then(|it| it.to_str().ok()).unwrap_or_default();
    agent.chars().take(200).collect()
}

fn login_form(app: &App, headers: &HeaderMap, status: StatusCode, form: SignInForm) -> Response {
    let oidc = match &app.auth {
        Auth::Password(auth) => auth.oidc(),
        Auth::None | Auth::Proxy(_) => None,
    };
    let start = format!("{}?next={}", routes::LOGIN_OIDC, percent::component(local(&form.next)));
    let form = SignInForm { provider: oidc.map(|it| (it.provider_name().to_owned(), start)), ..form };
    form_page(app, headers, (status, message!("Sign in")), || form.view())
}

fn code_form(app: &App, headers: &HeaderMap, status: StatusCode, form: CodeForm) -> Response {
    form_page(app, headers, (status, message!("Two-factor authentication")), || form.view())
}

fn setup_form(app: &App, headers: &HeaderMap, status: StatusCode, form: SetupForm) -> Response {
    form_page(app, headers, (status, message!("Set up Quaylight")), || form.view())
}

fn signed_in(app: &App, headers: &HeaderMap, token: &str, next: &str) -> Response {
    let cookie = cookie::of_session(token, &app.base_path, cookie::is_https(headers));
    ([(header::SET_COOKIE, cookie)], redirect(app, next)).into_response()
}

/// With status 303, so that a form is not sent again.
fn redirect(app: &App, path: &str) -> Response {
    Redirect::to(&format!("{}{path}", app.base_path)).into_response()
}

/// The path of a page of this server; the dashboard for anything else, such as another site's address.
fn local(next: &str) -> &str {
    // Browsers remove tabs and line breaks, and take a backslash for a slash.
    let has_others = next.contains(|it: char| it == '\\' || it.is_control());
    let is_path = next.starts_with('/') && !next.starts_with("//") && !has_others;
    if is_path && HeaderValue::from_str(next).is_ok() && !next.starts_with("/login") { next } else { "/" }
}

/// The error as the form shows it to anyone. Details of files and of the database are only logged.
fn message_of(error: &SignInError) -> Message {
    match error {
        SignInError::Users(UsersError::File(_) | UsersError::Damaged(_))
        | SignInError::Vault(_)
        | SignInError::Unavailable(_) => {
            tracing::error!(%error, "can't sign users in");
            message!("Can't sign in right now. See the server's log for the cause.")
        }
        _ => error.message(),
    }
}

fn status(error: &SignInError) -> StatusCode {
    match error {
        SignInError::Users(UsersError::File(_) | UsersError::Damaged(_)) => StatusCode::SERVICE_UNAVAILABLE,
        SignInError::Wrong | SignInError::WrongPassword | SignInError::WrongCode | SignInError::Expired => {
            StatusCode::UNAUTHORIZED
        }
        SignInError::Oidc(OidcError::Provider(_)) => StatusCode::BAD_GATEWAY,
        SignInError::Oidc(OidcError::Expired) => StatusCode::UNAUTHORIZED,
        SignInError::WrongSetupLink | SignInError::SignInAgain | SignInError::Oidc(_) => StatusCode::FORBIDDEN,
        SignInError::Password(_) => StatusCode::UNPROCESSABLE_ENTITY,
        SignInError::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
        SignInError::Busy | SignInError::Vault(_) | SignInError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        SignInError::Users(_) => StatusCode::CONFLICT,
    }
}
