#!/usr/bin/env python3
"""Tries the chat's page in Chromium.

    test_chat_page.py PROGRAM [SCREENSHOT.png]
"""

import shutil
import sys
import tempfile
import unittest

from modules import need, skip
from serving import PATIENCE_S, Case

need("selenium")
from selenium import webdriver  # noqa: E402
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

PROGRAM = ""
SCREENSHOT = None
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")


def start_browser(profile):
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for each in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                 "--no-first-run", "--disable-background-networking", "--disable-sync",
                 "--disable-component-update", "--window-size=1100,960", "--lang=en",
                 # Nothing but this machine: whatever else it asks for is not there.
                 "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
                 "--user-data-dir=" + profile):
        options.add_argument(each)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=Service(DRIVER))


class Page(Case):
    @classmethod
    def setUpClass(cls):
        profile = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, profile, ignore_errors=True)
        cls.browser = start_browser(profile)
        cls.addClassCleanup(cls.browser.quit)
        cls.home = cls.browser.current_window_handle

    def setUp(self):
        super().setUp()
        self.server = self.start(PROGRAM)
        self.url = f"http://127.0.0.1:{self.server.port}/"
        self.windows = {}
        self.browser.switch_to.new_window("tab")
        self.browser.get_log("browser")  # of the tests before
        self.addCleanup(self.close_tabs)

    def close_tabs(self):
        for each in self.browser.window_handles:
            if each != self.home:
                self.browser.switch_to.window(each)
                self.browser.close()
        self.browser.switch_to.window(self.home)

    def open(self, name, room="tea"):
        """A tab with somebody in a room; it is the current one."""
        if self.windows:
            self.browser.switch_to.new_window("tab")
        self.windows[name] = self.browser.current_window_handle
        self.browser.get(self.url)
        self.find("#name").send_keys(name)
        self.find("#room-name").clear()
        self.find("#room-name").send_keys(room, Keys.ENTER)
        self.wait_for_state("Connected")

    def look_at(self, name):
        self.browser.switch_to.window(self.windows[name])

    def find(self, selector):
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def texts(self, selector):
        return self.browser.execute_script(
            "return [...document.querySelectorAll(arguments[0])].map((e) => e.textContent)",
            selector)

    def wait_for(self, found):
        return WebDriverWait(self.browser, PATIENCE_S, 0.02).until(lambda _: found())

    def wait_for_texts(self, selector, expected):
        try:
            self.wait_for(lambda: self.texts(selector) == expected)
        except Exception:
            self.assertEqual(self.texts(selector), expected)
            raise

    def wait_for_state(self, state):
        self.wait_for_texts("#state", [state])

    def say(self, text):
        self.find("#text").send_keys(text, Keys.ENTER)

    def complaints(self):
        """What the browser has complained about, without connections that failed."""
        return [entry for entry in self.browser.get_log("browser")
                if "WebSocket connection to" not in entry["message"]]

    def test_two_people_talk(self):
        self.open("ann")
        self.open("bob")
        self.say("hello")
        for name in ("ann", "bob"):
            self.look_at(name)
            self.wait_for_texts(".said p", ["hello"])
            self.assertEqual(self.texts(".said b"), ["bob"])
        self.assertEqual(self.texts(".said.mine p"), ["hello"])
        self.look_at("ann")
        self.assertEqual(self.texts(".said.mine"), [])
        self.say("hello, bob")
        self.look_at("bob")
        self.wait_for_texts(".said p", ["hello", "hello, bob"])
        self.assertEqual(self.complaints(), [])

    def test_what_people_write_is_text_and_not_html(self):
        nasty = "<img src=x onerror=\"document.title='taken'\">"
        self.open(nasty[:32], room="<i>tea</i>")
        self.open("bob", room="<i>tea</i>")
        self.say("<b>bold</b> & <script>document.title='taken'</script>")
        self.say(nasty)
        for person in self.windows:
            self.look_at(person)
            self.wait_for_texts(".said p", ["<b>bold</b> & <script>document.title='taken'</script>",
                                            nasty])
            self.assertEqual(self.texts(".said p b, .said script, img, h1 i"), [])
            self.assertEqual(self.texts("#title"), ["<i>tea</i>"])
            self.assertEqual(self.browser.title, "<i>tea</i> \u00b7 weft chat")
        self.assertEqual(self.complaints(), [])

    def test_the_list_of_people_changes(self):
        self.open("ann")
        self.wait_for_texts("#people li span:last-child", ["ann (you)"])
        self.assertEqual(self.texts("#count"), ["1 person here"])
        self.open("bob")
        self.open("cleo")
        self.find("#leave").click()
        self.assertTrue(self.find("#door").is_displayed())
        self.look_at("ann")
        self.wait_for_texts("#people li span:last-child", ["ann (you)", "bob"])
        self.assertEqual(self.texts("#count"), ["2 people here"])
        self.assertEqual(self.texts(".note"),
                         ["You are in tea", "bob has joined", "cleo has joined", "cleo has left"])

    def test_one_who_comes_later_sees_what_was_said(self):
        self.open("ann")
        self.say("first")
        self.wait_for_texts(".said p", ["first"])
        self.open("bob")
        self.wait_for_texts(".said p", ["first"])
        self.open("zoe", room="mate")
        self.assertEqual(self.texts(".said p"), [])

    def test_a_reload_comes_back_to_the_room(self):
        self.open("ann")
        self.say("first")
        self.wait_for_texts(".said p", ["first"])
        self.browser.refresh()
        self.wait_for_texts(".said p", ["first"])
        self.wait_for_state("Connected")

    def test_it_says_that_the_server_has_gone_and_comes_back(self):
        self.open("ann")
        self.say("before")
        self.wait_for_texts(".said p", ["before"])
        port = self.server.port
        self.end_gracefully(self.server)
        self.wait_for_state("Not connected")
        self.assertRegex(self.find("#news").text, r"^The server .*Trying again")
        self.assertFalse(self.find("#write button").is_enabled())
        self.say("kept")
        self.assertEqual(self.find("#text").get_property("value"), "kept")
        self.server = self.start(PROGRAM, "--port", str(port))
        self.wait_for_state("Connected")
        self.assertFalse(self.find("#news").is_displayed())
        self.find("#write button").click()
        self.wait_for_texts(".said p", ["before", "kept"])
        self.wait_for_texts("#people li span:last-child", ["ann (you)"])

    def test_a_server_that_dies_is_noticed_too(self):
        self.open("ann")
        self.server.process.kill()
        self.wait_for_state("Not connected")

    def test_the_keyboard_is_enough(self):
        self.browser.get(self.url)
        self.windows["ann"] = self.browser.current_window_handle
        for keys in (["ann", Keys.TAB], [Keys.TAB], [Keys.ENTER]):
            self.browser.switch_to.active_element.send_keys(*keys)
        self.wait_for_state("Connected")
        self.browser.switch_to.active_element.send_keys("one", Keys.SHIFT, Keys.ENTER, Keys.SHIFT,
                                                        "two", Keys.ENTER)
        self.wait_for_texts(".said p", ["one\ntwo"])
        unnamed = self.browser.execute_script(
            "return [...document.querySelectorAll('button, input, textarea')].filter((e) => "
            "!(e.labels?.length || e.textContent.trim())).map((e) => e.id)")
        self.assertEqual(unnamed, [])

    def test_it_loads_nothing_from_elsewhere(self):
        self.open("ann")
        loaded = self.browser.execute_script(
            "return performance.getEntriesByType('resource').map((e) => e.name)")
        self.assertEqual([name for name in loaded if not name.startswith((self.url, "data:"))], [])

    @unittest.skipUnless(sys.argv[2:3] and sys.argv[2].endswith(".png"),
                         "no screenshot is asked for")
    def test_screenshot(self):
        self.open("Ada", room="weaving")
        self.open("Grace", room="weaving")
        for name, text in (
                ("Ada", "Hello! Who is here?"),
                ("Grace", "I am. Each of us is two goroutines in there: one reads, one writes."),
                ("Ada", "And who sends this to everybody?"),
                ("Grace", "Mine does: it puts one shared string into a bounded channel for each "
                          "of you, and waits for nobody."),
                ("Ada", "So what if I do not read for a while?"),
                ("Grace", "Then your channel fills up, you are sent away, and we go on."),
                ("Ada", "And <b>this</b>?\nStays text, I see.")):
            self.look_at(name)
            self.say_by_script(text)
            self.wait_for(lambda text=text: self.texts(".said p")[-1:] == [text])
        self.open("Linus", room="weaving")
        self.look_at("Grace")
        self.wait_for(lambda: len(self.texts("#people li")) == 3)
        self.browser.save_screenshot(SCREENSHOT)

    def say_by_script(self, text):
        """The driver cannot type everything."""
        self.browser.execute_script(
            "arguments[0].value = arguments[1]; arguments[0].form.requestSubmit()",
            self.find("#text"), text)


if __name__ == "__main__":
    if not BROWSER or not DRIVER:
        skip("chromium or chromedriver is not there (scripts/setup installs them)")
    PROGRAM = sys.argv[1]
    SCREENSHOT = sys.argv[2] if len(sys.argv) > 2 and sys.argv[2].endswith(".png") else None
    unittest.main(argv=[sys.argv[0], *sys.argv[3 if SCREENSHOT else 2:]])
