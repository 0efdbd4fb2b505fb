"""Kinds of hostile and faulty input, and the tests that hold the package to each.

One row a kind. ``tests/test_hostile_rows.py`` sees to it that every row names tests that exist.
A row without tests says why there is nothing to test.
"""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """One kind of input."""

    what: str
    tests: tuple[str, ...] = ()
    """As ``file::test`` without ``test_`` and ``.py``: ``cards::hostile_words_stay_words``."""
    not_applicable: str = ""


ROWS: dict[int, Row] = {
    1: Row(
        "markup in a title or a prompt",
        (
            "hostile_texts::text_is_text_on_every_card",
            "hostile_texts::text_is_text_in_a_library",
            "cards::hostile_words_stay_words",
            "tables::hostile_words_stay_words",
            "player::a_hostile_title_is_text",
            "form_lab::pasted_markup_stays_text",
        ),
    ),
    2: Row(
        "markup that leaves its attribute; links and names of others",
        (
            "hostile_texts::text_is_text_on_every_card",
            "cards::cards_run_and_fetch_nothing",
            "tables::a_page_of_tables_fetches_and_runs_nothing",
            "library_browser::what_is_pasted_stays_text",
        ),
    ),
    3: Row(
        "signs that act on a terminal, in text and logs",
        (
            "hostile_texts::nothing_acts_in_plain_words",
            "hostile_texts::nothing_acts_in_a_message",
            "hostile_texts::nothing_acts_in_a_repr",
            "hostile_texts::a_log_has_one_line_for_an_odd_status",
            "magic::a_service_cannot_write_control_characters",
        ),
    ),
    4: Row(
        "text that begins like a formula",
        ("hostile_texts::formulas_stay_text_in_tables", "search::any_text_can_be_searched_for"),
    ),
    5: Row(
        "names that lead elsewhere",
        (
            "hostile_files::an_exported_name_is_one_part_below_its_folder",
            "names::every_text_gives_a_name_that_every_system_takes",
            "moving::a_hostile_title_is_one_plain_name",
            "sandbox_memory::names_from_outside_lead_nowhere",
        ),
    ),
    6: Row(
        "names that no disk takes",
        (
            "hostile_files::places_that_cannot_be_are_one_error",
            "hostile_files::a_name_of_emoji_fits_beside_its_unfinished_file",
            "names::a_cut_never_splits_what_is_seen_as_one",
        ),
    ),
    7: Row(
        "archives of strangers",
        (
            "hostile_files::members_of_an_archive_lead_nowhere",
            "hostile_files::what_was_refused_is_printed_harmlessly",
            "moving::a_bomb_is_stopped_while_it_unpacks",
            "moving::a_lying_header_does_not_help_a_bomb",
            "moving::a_million_members_are_not_even_listed",
            "moving::links_are_not_followed",
        ),
    ),
    8: Row(
        "addresses of another scheme",
        (
            "hostile_addresses::only_https_is_fetched",
            "guard::everything_else_is_refused_with_a_reason",
        ),
    ),
    9: Row(
        "addresses of this machine and of private networks, in any spelling",
        (
            "hostile_addresses::private_hosts_in_any_spelling_are_refused",
            "guard::special_addresses_are_not_public",
            "guard::what_a_name_resolves_to_is_checked",
            "guard::the_connection_goes_to_the_address_that_was_checked",
        ),
    ),
    10: Row(
        "redirects",
        (
            "hostile_addresses::each_hop_is_checked_for_each_kind",
            "download::redirects_are_followed_as_far_as_five",
            "download::encryption_is_not_given_up_on_the_way",
            "download::a_client_with_habits_of_its_own_sends_no_secret",
            "secrets::the_audio_host_does_not_get_it",
        ),
    ),
    11: Row(
        "addresses with users, ports, fragments, breaks, or without end",
        (
            "hostile_addresses::odd_addresses_are_refused_or_plain",
            "properties::any_text_is_an_address_or_refused",
        ),
    ),
    12: Row(
        "bodies of wrong or no length",
        (
            "download::an_endless_body_ends_at_the_cap",
            "download::a_wrong_length_is_noticed_without_a_socket_too",
            "download::a_cut_download_goes_on_where_it_stopped",
            "transport::big_answers_are_refused",
            "properties::length_headers_are_read_or_ignored",
        ),
    ),
    13: Row(
        "bodies that unpack without end",
        (
            "transport::packed_answers_are_unpacked_within_the_cap",
            "transport::damaged_packing_is_refused",
            "properties::any_packed_body_is_bounded_or_refused",
        ),
    ),
    14: Row(
        "drips, stalls and chunks without end",
        (
            "transport::a_drip_ends",
            "transport::silence_ends",
            "download::a_drip_is_given_up",
            "download::the_total_deadline_holds",
        ),
    ),
    15: Row(
        "pages and errors in place of audio",
        (
            "hostile_addresses::what_is_no_audio_is_never_kept",
            "download::a_page_is_noticed_before_it_is_downloaded",
            "download::text_is_never_taken_for_samples",
        ),
    ),
    16: Row(
        "audio under a false name; pictures that are pages",
        (
            "hostile_addresses::a_picture_is_what_it_begins_with",
            "audio_sniff::a_polyglot_is_what_it_begins_with",
            "player::the_type_is_sniffed_not_believed",
            "udio_verbs::what_is_no_picture_is_not_kept",
        ),
    ),
    17: Row(
        "addresses that expired",
        (
            "client::an_expired_address_is_asked_for_anew_once",
            "client::an_address_that_stays_expired_is_an_error",
            "library::an_expired_address_is_asked_for_anew_once",
        ),
    ),
    18: Row(
        "statuses nobody knows",
        (
            "hostile_wires::an_unknown_status_is_kept_and_is_no_end",
            "client::an_unknown_status_is_warned_about_once",
        ),
    ),
    19: Row("statuses that go back", ("client::an_end_is_final",)),
    20: Row(
        "completed, and nothing to hear",
        (
            "hostile_wires::nothing_to_hear_is_no_audio",
            "client::completed_without_audio_is_asked_again_a_few_times",
            "session::completed_without_audio_is_not_bought_again_by_itself",
        ),
    ),
    21: Row(
        "queued for ever",
        (
            "library::queued_for_ever_ends_as_expired",
            "client::the_deadline_is_kept_and_says_how_to_go_on",
            "session::a_timeout_leaves_the_job_open",
        ),
    ),
    22: Row(
        "numbers that are none",
        (
            "hostile_wires::a_duration_is_seconds_or_nothing",
            "hostile_wires::an_amount_is_an_amount_or_nothing",
            "hostile_wires::one_endless_number_does_not_cost_the_answer",
            "properties::any_answer_gives_facts_that_can_be_kept",
        ),
    ),
    23: Row(
        "an order without an id",
        (
            "hostile_wires::an_order_without_an_id_is_in_doubt",
            "session::an_uncertain_submission_is_never_sent_again_by_itself",
        ),
    ),
    24: Row(
        "JSON that is odd: names twice, other encodings, halves of characters",
        (
            "hostile_wires::odd_json_is_read_strictly_or_not_at_all",
            "hostile_wires::an_id_survives_odd_json_around_it",
            "gateways_hostile::odd_json_still_gives_a_sound_job",
        ),
    ),
    25: Row(
        "answers of other kinds: pages, nothing, redirects",
        (
            "hostile_wires::an_answer_of_another_kind_is_one_error_of_ours",
            "transport::a_paid_call_is_sent_once_whatever_it_is_told",
        ),
    ),
    26: Row(
        "no connection",
        (
            "transport::a_refused_connection_is_known_not_sent",
            "transport::a_paid_call_that_was_not_sent_goes_again",
            "client::a_dead_gateway_is_known_not_to_be_paid",
        ),
    ),
    27: Row(
        "an order whose outcome is open",
        (
            "transport::a_paid_call_with_an_open_outcome_is_never_repeated",
            "transport::a_reset_after_sending_leaves_the_outcome_open",
            "client::an_open_outcome_is_never_sent_again",
        ),
    ),
    28: Row(
        "refusals",
        (
            "hostile_wires::a_refusal_is_not_sent_again_and_names_a_step",
            "client::refusals_are_not_sent_again",
        ),
    ),
    29: Row(
        "keys that are none",
        (
            "hostile_requests::what_is_no_key_is_refused_without_quoting_it",
            "properties::any_key_is_cleaned_or_refused_unquoted",
            "secrets::what_pasting_does_to_a_key_is_undone",
        ),
    ),
    30: Row(
        "a key that comes back",
        (
            "hostile_wires::a_key_that_is_echoed_is_crossed_out",
            "gateways::no_message_or_attribute_holds_a_key_or_a_page",
            "transport::the_key_is_taken_out_of_answers",
        ),
    ),
    31: Row(
        "every way a key could be shown",
        (
            "secrets::a_verbose_traceback_does_not_show_it",
            "secrets::reprs_and_copies_do_not_hold_it",
            "secrets::an_executed_notebook_does_not_hold_it",
            "secrets::nothing_that_is_kept_holds_it",
            "hostile_requests::no_message_shows_who_may_call_back",
        ),
    ),
    32: Row(
        "clocks that jump",
        (
            "library_faults::a_clock_that_jumps_a_day",
            "library_faults::leases_end_by_the_monotonic_clock",
            "callback_receiver::a_clock_that_goes_back_blocks_nobody",
            "gateways::retry_after_date_is_read_against_our_clock_without_a_date_header",
        ),
    ),
    33: Row(
        "a full disk",
        (
            "library_faults::a_full_disk_before_anything_is_sent",
            "library_faults::a_full_disk_after_it_was_paid",
            "library_faults::a_disk_that_is_really_full",
            "download::a_full_disk_is_said",
            "callback_spool::a_full_disk_leaves_nothing_half",
        ),
    ),
    34: Row(
        "a home that is missing or may only be read",
        (
            "library_faults::a_home_that_may_only_be_read",
            "library_faults::a_home_that_is_no_folder",
            "library_faults::no_home_is_named",
        ),
    ),
    35: Row(
        "network file systems",
        (
            "library_faults::a_library_on_a_network_serves_one_kernel_at_a_time",
            "library_faults::which_file_system_a_folder_is_on",
        ),
    ),
    36: Row(
        "two kernels, one job",
        (
            "two_kernels::the_same_request_in_two_kernels",
            "two_kernels::the_one_that_asks_is_killed",
        ),
    ),
    37: Row(
        "killed at any step",
        (
            "kill_matrix::killed_at_a_step",
            "kill_matrix::killed_at_random_moments",
            "kill_matrix::killed_while_the_library_changes_its_shape",
        ),
    ),
    38: Row(
        "interrupted during an order",
        (
            "client::an_interrupt_during_the_post_does_not_lose_the_job",
            "kernel_restart::a_kernel_killed_with_its_order_on_the_wire",
        ),
    ),
    39: Row(
        "the same cells again (sweeps do not exist yet)",
        (
            "kernel_restart::run_all_twice_buys_nothing_new",
            "session::the_same_request_again_is_free",
            "library::the_same_cell_after_everything_was_closed_costs_nothing",
        ),
    ),
    40: Row(
        "forks and event loops",
        (
            "engine::a_forked_child_gets_a_thread_of_its_own",
            "engine::run_works_inside_a_running_loop",
            "library_faults::a_forked_child_opens_the_library_for_itself",
            "callback_mail::a_forked_child_has_its_own",
        ),
    ),
    41: Row(
        "forged callbacks",
        (
            "callback_receiver::all_unknown_tokens_get_the_same_answer",
            "callbacks::forged_words_never_reach_a_take",
            "hostile_callbacks::no_path_but_the_token_lets_in",
        ),
    ),
    42: Row(
        "callbacks as a flood",
        (
            "callback_doors::a_body_without_end_is_cut",
            "callback_doors::256_kib_and_no_byte_more",
            "callback_receiver::twenty_a_second",
            "callback_receiver::memory_stays_bounded",
            "hostile_callbacks::bodies_that_nobody_should_read_are_400",
        ),
    ),
    43: Row(
        "signed reports",
        not_applicable="nothing here takes signed reports: Phaseo sends none to notebooks, and "
        "udioapi.pro's callbacks carry no signature (the token in their address stands for one)",
    ),
    44: Row(
        "prompts of any kind",
        (
            "hostile_requests::a_prompt_goes_as_it_is_or_is_refused",
            "magic::braces_in_a_cell_are_left_alone",
            "properties::any_words_are_posted_unchanged_or_refused",
        ),
    ),
    45: Row(
        "prices and budgets",
        (
            "hostile_wires::an_amount_is_an_amount_or_nothing",
            "hostile_requests::an_amount_that_is_none_is_one_error",
            "two_kernels::a_budget_holds_over_two_kernels",
            "session::an_unknown_price_needs_consent",
            "spending::the_bill_replaces_what_was_set_aside",
        ),
    ),
    46: Row(
        "certificates nobody trusts",
        (
            "certificates::a_call_ends_at_once_and_is_known_not_sent",
            "certificates::a_download_ends_at_once",
        ),
    ),
    47: Row(
        "workers of a cluster", not_applicable="jobs run in one process; no cluster is used yet"
    ),
    48: Row(
        "silence, clips of a moment, clipping",
        (
            "audio_measure::silence_has_no_loudness",
            "audio_measure::a_fifth_of_a_second_is_as_loud_as_it_is",
            "player::silence_is_called_silent",
            "library_browser::the_louder_one_is_turned_down",
        ),
    ),
    49: Row(
        "feeds that say success too soon",
        (
            "hostile_wires::a_feed_that_says_success_over_words_is_not_done",
            "hostile_wires::the_code_inside_decides",
            "gateways_contract::udio_answers_come_out_as_written_down",
        ),
    ),
    50: Row(
        "callbacks of any shape and in any order",
        (
            "hostile_callbacks::any_order_of_stages_ends_in_the_same_word",
            "hostile_callbacks::a_callback_names_no_job_but_its_own",
            "callbacks::however_callbacks_fare_the_take_is_the_same",
            "callbacks::a_job_in_doubt_is_found_by_what_was_reported",
        ),
    ),
}
