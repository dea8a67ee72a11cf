"""hyperlake-caf-gr-e-100-home-it-s-x-y-214d2e2e, a DAG for Airflow 3. Printed by `hyperlake schedule`, for the folder of DAGs.

hyperlake and its configuration are on the machines of the workers, at the paths below. The minute follows from the name, so that nights do
not all begin at once; change it as you like (--spread 0s keeps to --at).

The token of Tableau is a connection, whose values Airflow masks:
    airflow connections add hyperlake-caf-gr-e-100-home-it-s-x-y-214d2e2e --conn-type generic --conn-login NAME_OF_THE_TOKEN --conn-password SECRET
Other variables, such as credentials of object storage, are those of the workers.

Exit codes: 1 failed; 2 wrong usage or configuration; 3 the data broke a rule, the old extract stays; 4 not published; 5 another run has the
output. All of them fail the task, and none is tried again: the next night makes it right.
"""

from datetime import timedelta

import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

with DAG(
    dag_id="hyperlake-caf-gr-e-100-home-it-s-x-y-214d2e2e",
    schedule="36 2 * * 1,0",
    start_date=pendulum.datetime(2026, 1, 1, tz="Europe/Berlin"),
    # Of the nights that were missed the last one is made up for, also when the DAG is switched on, and no more: a run loads all that changed.
    catchup=False,
    # Nights do not overlap.
    max_active_runs=1,
    tags=["hyperlake"],
):
    BashOperator(
        task_id="run",
        bash_command="exec '/opt/my \"tools\"/it'\\''s/100% {{ \"{\" }}{{ \"{\" }} x }}/hyperlake' run '/srv/my $HOME/${{ \"{\" }}{{ \"{\" }} é }}/orders.yaml' --lock-wait 30m --var '' ' ' 'a b' ' a' 'a ' 'it'\\''s' '\"quoted\"' ''\\''' ''\\'''\\''' '\"' '\"\"' '\\' '\\\\' 'a\\' 'a\\\\b' '\\\"' '\\n' '\\x41' '\\045' ''\\''\\'\\'''\\''' '$HOME' '${{ \"{\" }}HOME}' '$$' '$$HOME' '$(HOME)' '$$(HOME)' '$(id)' '`id`' '$' % %% %h '%n %' 100% '\\%' '${{ \"{\" }}date}' '${{ \"{\" }}{{ \"{\" }} github.token }}' '${{ \"{\" }}{{ \"{\" }}' '}}' '{{ \"{\" }}{{ \"{\" }} x }}' '{{ \"{\" }}% raw %}' '{{ \"{\" }}# x #}' '{{ \"{\" }}' '}' '{{ \"{\" }}{{ \"{\" }}' '<a>' '&amp;' ']]>' '<!--' '-->' '#' 'a #b' ';' '\\;' '; rm' 'a;b' 'a&b' 'a|b' 'a>b' '*' '?' '[a]' '{{ \"{\" }}a,b}' '~' '~root' '!x' '!!' '=x' @x -x -- ': a' 'a: b' '- a' null yes 1e3 é 名前 '🦆' 'a b' 'x^y' /d tests.sh '='",
        cwd="/srv/a b/50% {{ \"{\" }}{{ \"{\" }} x }} <&> $HOME",
        env={
            "tab_pat_name": "{{ conn.get('hyperlake-caf-gr-e-100-home-it-s-x-y-214d2e2e').login }}",
            "tab_secret_id": "{{ conn.get('hyperlake-caf-gr-e-100-home-it-s-x-y-214d2e2e').password }}",
        },
        append_env=True,
        retries=0,
        execution_timeout=timedelta(seconds=43200),
    )
