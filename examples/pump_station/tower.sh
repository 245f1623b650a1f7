#!/bin/sh
# A water tower: the provider of the station's gauges and motors. Heights are tenths of a centimetre.
# The town draws 2 tenths a second, and a running pump lifts 8. The middle gauge sticks between 02:00
# and 03:00 of each day. What the tower is like is kept beside the store, as a real tower stays what
# it is when a controller restarts.
height=1820
motor=0
last=0
stuck=0
state=${AQO_STORE:-.}/tower.state
if [ -n "$AQO_STORE" ] && [ -r "$state" ]; then
    read -r height motor last stuck <"$state"
fi
keep() {
    [ -z "$AQO_STORE" ] || printf '%s %s %s %s\n' "$height" "$motor" "$last" "$stuck" >"$state"
}
while IFS= read -r line; do
    case $line in
    *'"read":'*)
        now=${line##*'"now":'}
        now=${now%%[!0-9]*}
        [ "$last" -eq 0 ] && last=$now
        seconds=$(((now - last) / 1000000))
        last=$now
        height=$((height + seconds * (motor * 8 - 2)))
        [ "$height" -lt 0 ] && height=0
        [ "$height" -gt 6000 ] && height=6000
        if [ $((now / 3600000000 % 24)) -eq 2 ]; then
            [ "$stuck" -eq 0 ] && stuck=$height
        else
            stuck=0
        fi
        middle=$height
        [ "$stuck" -eq 0 ] || middle=$stuck
        keep
        printf '{"top":"%d","middle":"%d","bottom":"%d","at":%s}\n' \
            $((height / 10)) $((middle / 10)) $((height / 10)) "$now"
        ;;
    *'"event":"motor"'*)
        case $line in *'"on":true'*) motor=1 ;; *) motor=0 ;; esac
        keep
        id=${line##*'"id":"'}
        printf '{"ack":"%s"}\n' "${id%%'"'*}"
        ;;
    *)
        printf '{}\n'
        ;;
    esac
done
