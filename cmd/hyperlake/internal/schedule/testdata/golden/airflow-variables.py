"""hyperlake-orders, a DAG for Airflow 3. Printed by `hyperlake schedule`, for the folder of DAGs.

hyperlake and its configuration are on the machines of the workers, at the paths below. The minute follows from the name, so that nights do
not all begin at once; change it as you like (--spread 0s keeps to --at).

The token of Tableau is a connection, whose values Airflow masks:
    airflow connections add hyperlake-orders --conn-type generic --conn-login NAME_OF_THE_TOKEN --conn-password SECRET
Other variables, such as TEAM_URL, videos_key, credentials of object storage, are those of the workers.

Exit codes: 1 failed; 2 wrong usage or configuration; 3 the data broke a rule, the old extract stays; 4 not published; 5 another run has the
output. All of them fail the task, and none is tried again: the next night makes it right.
"""

from datetime import timedelta

import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

with DAG(
    dag_id="hyperlake-orders",
    schedule="30 2 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="Europe/Berlin"),
    # Of the nights that were missed the last one is made up for, also when the DAG is switched on, and no more: a run loads all that changed.
    catchup=False,
    # Nights do not overlap.
    max_active_runs=1,
    tags=["hyperlake"],
):
    BashOperator(
        task_id="run",
        bash_command="exec /usr/local/bin/hyperlake run /srv/etl/orders.yaml --lock-wait 30m --var REGION=emea",
        cwd="/srv/etl",
        env={
            "tab_pat_name": "{{ conn.get('hyperlake-orders').login }}",
            "tab_secret_id": "{{ conn.get('hyperlake-orders').password }}",
        },
        append_env=True,
        retries=0,
        execution_timeout=timedelta(seconds=43200),
    )
