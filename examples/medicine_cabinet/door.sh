#!/bin/sh
# A door with a latch, a contact and a siren. Who has opened it lets it fall shut with the latch; at
# 03:00 of each day somebody tries it with a crowbar. Deterministic given the time and the latch.
open=false
state=${AQO_STORE:-.}/door.state
if [ -n "$AQO_STORE" ] && [ -r "$state" ]; then
    read -r open <"$state"
fi
while IFS= read -r line; do
    case $line in
    *'"read":'*)
        now=${line##*'"now":'}
        now=${now%%[!0-9]*}
        contact=$open
        [ $((now / 1000000 % 86400)) -ne 10800 ] || contact=true
        printf '{"contact":%s,"at":%s}\n' "$contact" "$now"
        ;;
    *'"event":'*)
        case $line in
        *'"event":"latch"'*)
            case $line in *'"open":true'*) open=true ;; *) open=false ;; esac
            [ -z "$AQO_STORE" ] || printf '%s\n' "$open" >"$state"
            ;;
        esac
        id=${line##*'"id":"'}
        printf '{"ack":"%s"}\n' "${id%%'"'*}"
        ;;
    *)
        printf '{}\n'
        ;;
    esac
done
